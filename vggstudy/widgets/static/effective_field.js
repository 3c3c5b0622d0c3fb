// Draws the theoretical box, the map of gradients inside it and the effective square (`maps`), side by side.
function render({ model, el }) {
  const root = frame(model, el, "effective");
  const layers = model.get("layers");
  const controls = node("div", root, { className: "vgg-controls" });
  slider(model, controls, "layer", { label: "Layer", min: 0, max: layers.length - 1, say: (i) => layers[i] });
  menu(model, controls, "zoom", { label: "Frame", options: [["box", "fits the box"], ["largest", "same for all layers"]] });
  const panels = node("div", root, { className: "vgg-fields" });
  const key = node("p", root, { className: "vgg-said vgg-key" });
  for (const [style, text] of [["theory", "theoretical box"], ["effective", "smallest square with 90% of the squared gradient"]]) {
    const entry = node("span", key);
    node("i", entry, { className: `vgg-swatch vgg-${style}` });
    node("span", entry, { textContent: text });
  }
  node("span", key, { textContent: "Bright: a pixel that matters much to the cell; black: not at all." });
  const rows = node("div", root, { className: "vgg-growth" });
  const tables = node("div", root);

  const side = (k) => (k % 2 ? "vgg-second" : "vgg-first");
  function draw() {
    const maps = model.get("maps"), at = model.get("layer");
    const largest = Object.values(maps)[0].at(-1).box;
    panels.replaceChildren();
    Object.entries(maps).forEach(([weights, all], k) => {
      const shown = all[at], frameSide = 1.06 * (model.get("zoom") === "box" ? shown.box : largest);
      const figure = node("figure", panels, { className: side(k) });
      node("figcaption", figure, { textContent: weights });
      const picture = svg("svg", figure, { viewBox: `${-frameSide / 2} ${-frameSide / 2} ${frameSide} ${frameSide}`, role: "img" });
      picture.setAttribute("aria-label", `${weights}, ${shown.layer}: box of ${shown.box} px, effective field of ${shown.side} px`);
      svg("image", picture, { href: shown.url, x: -shown.box / 2, y: -shown.box / 2, width: shown.box, height: shown.box, preserveAspectRatio: "none" });
      for (const [style, length] of [["theory", shown.box], ["effective", shown.side]])
        svg("rect", picture, { class: `vgg-${style}`, x: -length / 2, y: -length / 2, width: length, height: length });
      const text = node("p", figure);
      node("b", text, { textContent: `${shown.side} of ${shown.box} px` });
      node("span", text, { textContent: ` · ${shown.area.toFixed(0)}% of the box’s area` });
    });
    growth(maps, at, largest);
  }
  // One row a layer: the theoretical side as a frame, the effective sides as bars in it.
  function growth(maps, at, largest) {
    rows.replaceChildren();
    layers.forEach((layer, i) => {
      const row = node("div", rows, { className: "vgg-row" });
      row.classList.toggle("vgg-here", i === at);
      node("span", row, { textContent: layer });
      const track = node("div", row, { className: "vgg-bar" });
      Object.values(maps).forEach((all, k) => {
        track.style.width = `${(100 * all[i].box) / largest}%`;
        node("i", track, { className: side(k) }).style.width = `${(100 * all[i].side) / all[i].box}%`;
      });
      row.addEventListener("click", () => choose(model, "layer", i));
    });
  }
  function build() {
    const maps = model.get("maps"), names = Object.keys(maps);
    tables.replaceChildren();
    dataTable(tables, "The numbers as a table", ["Layer", "Box, px", ...names.flatMap((name) => [`${name}: effective, px`, "of the area, %"])])(
      layers.map((layer, i) => [layer, String(maps[names[0]][i].box), ...names.flatMap((name) => [String(maps[name][i].side), maps[name][i].area.toFixed(1)])]));
    draw();
  }
  for (const trait of ["layer", "zoom"]) model.on(`change:${trait}`, draw);
  model.on("change:maps", build);
  build();
}
export default { render };
