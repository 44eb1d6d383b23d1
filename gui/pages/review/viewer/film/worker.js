// A film is fetched, unpacked and halved beside the page, which meanwhile goes on. How it is packed is said in
// engine/images/pictures.py, film_levels.
function filmWorker() {
  // Differences to the level before, row by row, become levels; see film_levels.
  function unfold(bytes, from, width, height, deep) {
    const count = width * height, levels = new Uint16Array(count);
    for (let row = 0, place = 0; row < height; row++) {
      let level = 0;
      for (let column = 0; column < width; column++, place++) {
        if (deep) {
          const folded = bytes[from + place] | bytes[from + place + count] << 8;
          level = (level + ((folded >>> 1) ^ -(folded & 1))) & 65535;
        } else {
          level = (level + bytes[from + place]) & 255;
        }
        levels[place] = level;
      }
    }
    return { width, height, levels };
  }

  // Half as wide and high: each level is the mean of four.
  function halved({ width, height, levels }) {
    const across = width >> 1, down = height >> 1, made = new Uint16Array(across * down);
    for (let y = 0, to = 0; y < down; y++) {
      for (let x = 0, from = 2 * y * width; x < across; x++, from += 2, to++) {
        made[to] = (levels[from] + levels[from + 1] + levels[from + width] + levels[from + width + 1] + 2) >> 2;
      }
    }
    return { width: across, height: down, levels: made };
  }

  async function fetchFilm(address, from) {
    const answer = await fetch(new URL(address, from), { priority: 'low' });
    if (!answer.ok) throw new Error(String(answer.status));
    const body = await answer.arrayBuffer(), length = new DataView(body).getUint32(0, true);
    const told = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, length)));
    const table = new Uint8Array(body.slice(4 + length, 4 + length + told.entries));
    const packed = new Blob([new Uint8Array(body, 4 + length + told.entries)]);
    const bytes = new Uint8Array(await new Response(packed.stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer());
    const planes = [];
    for (let number = 0; number < told.planes; number++) {
      const sizes = [unfold(bytes, number * told.width * told.height, told.width, told.height, told.bytes === 2)];
      while (Math.min(sizes.at(-1).width, sizes.at(-1).height) > 128) sizes.push(halved(sizes.at(-1)));
      planes.push(sizes);
    }
    return { told, table, planes };
  }

  onmessage = async ({ data: { address, from } }) => {
    try {
      const film = await fetchFilm(address, from);
      postMessage({ address, film }, [film.table.buffer, ...film.planes.flat().map((size) => size.levels.buffer)]);
    } catch (error) {
      postMessage({ address, problem: String(error) });
    }
  };
}
