// The keys that every reading screen has: rows of its table of keys.
const toComment = () => at('comment')?.focus();
const openKeys = () => { if (!at('keys').open) at('keys').showModal(); };
const MAP_ACTIONS = [
  { codes: ['KeyH'], shows: ['H'], says: _('Heatmap on or off'), does: 'heat', run: toggleHeat },
  { codes: ['BracketLeft'], shows: ['['], says: _('Fainter heatmap'), run: () => opacityBy(-10), again: true },
  { codes: ['BracketRight'], shows: [']'], says: _('Stronger heatmap'), run: () => opacityBy(10), again: true },
  { codes: ['KeyG'], shows: ['G'], says: _('Evidence against the class on or off'), does: 'against', run: toggleAgainst },
];
const IMAGE_ACTIONS = [
  { codes: ['KeyI'], shows: ['I'], says: _('Invert grey values'), does: 'invert', run: toggleInvert },
  { codes: [], shows: ['Shift', '1', '–', '9'], says: _('A window: from the file, auto, lung, soft tissue, bone') },
  { codes: ['Equal', 'NumpadAdd'], shows: ['+'], says: _('Zoom in'), does: 'closer', run: () => zoomBy(1.25), again: true },
  { codes: ['Minus', 'NumpadSubtract'], shows: ['−'], says: _('Zoom out'), does: 'farther', run: () => zoomBy(0.8), again: true },
  { codes: ['Digit0', 'Numpad0'], shows: ['0'], says: _('One pixel of the image on one of the screen'), does: 'full-size', run: toFullSize },
  { codes: ['KeyO'], shows: ['O'], says: _('Turn the view to the right; with Shift to the left'), does: 'turn', run: (event) => turnView(event?.shiftKey ? -1 : 1) },
  { codes: ['KeyP'], shows: ['P'], says: _('Mirror the view'), does: 'mirror', run: mirrorView },
  { codes: ['KeyB'], shows: ['B'], says: _('Magnifier'), does: 'lens', run: toggleLens },
  { codes: ['ArrowUp', 'ArrowDown'], shows: ['↑', '↓'], says: _('Move the image; with Shift also ← →'), run: (event) => pan(event), again: true },
  { codes: ['KeyY'], shows: ['Y'], says: _('Side by side: the heatmap, other images of the patient, similar ones'), does: 'beside', run: nextBeside },
  { codes: ['KeyQ'], shows: ['Q'], says: _('The next image beside'), does: 'beside-next', run: (event) => nextInBeside(event?.shiftKey ? -1 : 1) },
  { codes: [], shows: [], says: '', does: 'beside-link', run: linkBeside },
  { codes: [], shows: [], says: '', does: 'beside-window', run: shareWindow },
  { codes: [], shows: [], says: '', does: 'beside-close', run: () => showBeside('') },
  { codes: ['KeyF'], shows: ['F'], says: _('Reset the view'), does: 'fit', run: resetView },
  { codes: ['KeyV'], shows: ['V'], says: _('Drag moves'), does: 'tool-move', run: () => useTool('move') },
  { codes: ['KeyW'], shows: ['W'], says: _('Drag sets the window'), does: 'tool-window', run: () => useTool('window') },
  { codes: ['KeyD'], shows: ['D'], says: _('Drag measures; Shift+D places a ruler'), does: 'tool-ruler', run: (event) => (event?.shiftKey ? placeRuler() : useTool('ruler')) },
  { codes: ['KeyR'], shows: ['R'], says: _('Drag draws a region; again: the next shape; Shift+R places one'), does: 'tool-region', run: (event) => (event?.shiftKey ? placeRegion() : event?.type === 'keydown' ? nextShape() : useTool('region')), writes: true },
  { codes: [], shows: ['Delete'], says: _('Remove the region or ruler that is chosen; arrow keys move it, with Shift resize') },
  { codes: [], shows: ['?'], says: _('This list'), does: 'keys', run: openKeys },
  { codes: [], shows: [], says: '', does: 'remove-region', run: removeRegion },
  { codes: [], shows: [], says: '', does: 'close-keys', run: () => at('keys').close() },
];
