// The keys that every reading screen has: rows of its table of keys.
const toComment = () => at('comment')?.focus();
const openKeys = () => { if (!at('keys').open) at('keys').showModal(); };
const MAP_ACTIONS = [
  { codes: ['KeyH'], shows: ['H'], says: 'Heatmap on or off', does: 'heat', run: toggleHeat },
  { codes: ['BracketLeft'], shows: ['['], says: 'Fainter heatmap', run: () => opacityBy(-10), again: true },
  { codes: ['BracketRight'], shows: [']'], says: 'Stronger heatmap', run: () => opacityBy(10), again: true },
  { codes: ['KeyG'], shows: ['G'], says: 'Evidence against the class on or off', does: 'against', run: toggleAgainst },
];
const IMAGE_ACTIONS = [
  { codes: ['KeyI'], shows: ['I'], says: 'Invert grey values', does: 'invert', run: toggleInvert },
  { codes: [], shows: ['Shift', '1', '–', '9'], says: 'A window: from the file, auto, lung, soft tissue, bone' },
  { codes: ['Equal', 'NumpadAdd'], shows: ['+'], says: 'Zoom in', does: 'closer', run: () => zoomBy(1.25), again: true },
  { codes: ['Minus', 'NumpadSubtract'], shows: ['−'], says: 'Zoom out', does: 'farther', run: () => zoomBy(0.8), again: true },
  { codes: ['Digit0', 'Numpad0'], shows: ['0'], says: 'One pixel of the image on one of the screen', does: 'full-size', run: toFullSize },
  { codes: ['KeyO'], shows: ['O'], says: 'Turn the view to the right; with Shift to the left', does: 'turn', run: (event) => turnView(event?.shiftKey ? -1 : 1) },
  { codes: ['KeyP'], shows: ['P'], says: 'Mirror the view', does: 'mirror', run: mirrorView },
  { codes: ['KeyB'], shows: ['B'], says: 'Magnifier', does: 'lens', run: toggleLens },
  { codes: ['ArrowUp', 'ArrowDown'], shows: ['↑', '↓'], says: 'Move the image; with Shift also ← →', run: (event) => pan(event), again: true },
  { codes: ['KeyY'], shows: ['Y'], says: 'Side by side: the heatmap, other images of the patient, similar ones', does: 'beside', run: nextBeside },
  { codes: ['KeyQ'], shows: ['Q'], says: 'The next image beside', does: 'beside-next', run: (event) => nextInBeside(event?.shiftKey ? -1 : 1) },
  { codes: [], shows: [], says: '', does: 'beside-link', run: linkBeside },
  { codes: [], shows: [], says: '', does: 'beside-window', run: shareWindow },
  { codes: [], shows: [], says: '', does: 'beside-close', run: () => showBeside('') },
  { codes: ['KeyF'], shows: ['F'], says: 'Reset the view', does: 'fit', run: resetView },
  { codes: ['KeyV'], shows: ['V'], says: 'Drag moves', does: 'tool-move', run: () => useTool('move') },
  { codes: ['KeyW'], shows: ['W'], says: 'Drag sets the window', does: 'tool-window', run: () => useTool('window') },
  { codes: ['KeyD'], shows: ['D'], says: 'Drag measures; Shift+D places a ruler', does: 'tool-ruler', run: (event) => (event?.shiftKey ? placeRuler() : useTool('ruler')) },
  { codes: ['KeyR'], shows: ['R'], says: 'Drag draws a region; again: the next shape; Shift+R places one', does: 'tool-region', run: (event) => (event?.shiftKey ? placeRegion() : event?.type === 'keydown' ? nextShape() : useTool('region')), writes: true },
  { codes: [], shows: ['Delete'], says: 'Remove the region or ruler that is chosen; arrow keys move it, with Shift resize' },
  { codes: [], shows: ['?'], says: 'This list', does: 'keys', run: openKeys },
  { codes: [], shows: [], says: '', does: 'remove-region', run: removeRegion },
  { codes: [], shows: [], says: '', does: 'close-keys', run: () => at('keys').close() },
];
