// Rectangles drawn on the image, in fractions of its width and height; movable and erasable by keys as well.
let regions = [];

function showRegions() {
  at('regions').replaceChildren(...regions.map((region, number) => {
    const box = document.createElement('div');
    box.className = 'rv-region';
    box.tabIndex = 0;
    box.setAttribute('role', 'button');
    box.setAttribute('aria-label', `Region ${number + 1}: arrow keys move, Shift and arrow keys resize, Delete removes`);
    box.title = 'Delete removes it';
    for (const [side, value] of [['left', region.x], ['top', region.y], ['width', region.width], ['height', region.height]]) {
      box.style[side] = value * 100 + '%';
    }
    box.onpointerdown = (event) => { event.stopPropagation(); box.focus(); };
    box.onkeydown = (event) => changeRegion(event, number);
    return box;
  }));
  const count = at('region-count');
  if (!count) return;
  count.textContent = regions.length === 0 ? 'No regions drawn (R)' : regions.length === 1 ? '1 region drawn' : `${regions.length} regions drawn`;
  root.querySelector('[data-do="remove-region"]').hidden = regions.length === 0;
  root.dispatchEvent(new Event('regions-drawn'));
}

function changeRegion(event, number) {
  const region = regions[number], step = event.altKey ? 0.002 : 0.01;
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.code] ?? [0, 0];
  if (event.code === 'Delete' || event.code === 'Backspace') {
    regions.splice(number, 1);
  } else if (dx || dy) {
    if (event.shiftKey) {
      region.width = clamp(region.width + dx, 0.01, 1 - region.x);
      region.height = clamp(region.height + dy, 0.01, 1 - region.y);
    } else {
      region.x = clamp(region.x + dx, 0, 1 - region.width);
      region.y = clamp(region.y + dy, 0, 1 - region.height);
    }
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  showRegions();
  at('regions').children[number]?.focus();
}

function removeRegion() { regions.pop(); showRegions(); }

function addRegion() {
  regions.push({ x: 0.4, y: 0.4, width: 0.2, height: 0.2 });
  showRegions();
  at('regions').lastElementChild.focus();
}

function beginShape(event) {
  const where = (pointer) => onFilm(pointer).map((share) => clamp(share, 0, 1));
  const [startX, startY] = where(event);
  const region = { x: startX, y: startY, width: 0, height: 0 };
  regions.push(region);
  return {
    move(pointer) {
      const [x, y] = where(pointer);
      Object.assign(region, { x: Math.min(x, startX), y: Math.min(y, startY), width: Math.abs(x - startX), height: Math.abs(y - startY) });
      showRegions();
    },
    finish() {
      // a click is not a region
      if (region.width * view.sheetWidth * view.zoom < 4 || region.height * view.sheetHeight * view.zoom < 4) regions.pop();
      showRegions();
    },
    cancel() {
      regions.pop();
      showRegions();
    },
  };
}
