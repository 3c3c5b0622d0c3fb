// Lays the score map of a picture (`pictures`) on it, with the receptive field of a position; 25 crops beside it.
function render({ model, el }) {
  const root = frame(model, el, "scoremap");
  const controls = node("div", root, { className: "vgg-controls" });
  const first = node("span", controls, { className: "vgg-slot" });
  slider(model, controls, "scale", { label: "Test scale Q", min: 0, max: model.get("scales").length - 1, say: (i) => `${model.get("scales")[i]} px` });
  const classes = node("span", controls, { className: "vgg-slot" });
  menu(model, controls, "map", { label: "Map of", options: model.get("maps") });
  menu(model, controls, "mirrored", { label: "Picture is", options: [[0, "as it is"], [1, "mirrored"]] });

  const pair = node("div", root, { className: "vgg-scoremap-pair" });
  const [dense, crops] = ["vgg-scoremap-dense", "vgg-scoremap-crops"].map((className) => node("figure", pair, { className }));
  const denseTitle = node("figcaption", dense), image = svg("svg", dense, { role: "group" });
  const cropsTitle = node("figcaption", crops), grid = node("div", crops, { className: "vgg-scoremap-grid" });
  node("figcaption", crops, { textContent: "What the position sees, padding and all" });
  const small = svg("svg", crops, { role: "img", class: "vgg-scoremap-locator" });
  const said = node("p", root, { className: "vgg-said" });
  said.setAttribute("role", "status");
  const bars = node("div", root, { className: "vgg-scoremap-bars" });
  const numbers = dataTable(root, "The map as a table", ["Position", "Score", "Soft-max, %", "Receptive field, px from the left and the top"]);
  const cropNumbers = dataTable(root, "The crops as a table", ["Crop", "Left, px", "Top, px", "Posterior, %"]);

  let hovered = null, cells = [], mark = () => {};
  const shown = () => model.get("pictures")[model.get("picture")];
  const geometry = () => shown().geometries[model.get("scale")];
  const seen = () => shown().seen[model.get("scale")][model.get("mirrored")];
  const klass = () => Math.min(model.get("klass"), shown().classes.length - 1);
  const at = (g) => Math.min(hovered ?? model.get("cell"), g.xs.length * g.ys.length - 1);

  function build() {
    first.replaceChildren();
    menu(model, first, "picture", { label: "Picture", options: model.get("pictures").map((each, i) => [i, each.name]) });
    rename();
  }
  function rename() {
    classes.replaceChildren();
    menu(model, classes, "klass", { label: "Class", options: shown().classes.map((name, i) => [i, name]) });
    draw();
  }
  function photograph(parent) {
    const g = geometry();
    const made = svg("image", parent, { href: shown().url, width: g.width, height: g.height, preserveAspectRatio: "none" });
    if (model.get("mirrored")) made.setAttribute("transform", `translate(${g.width} 0) scale(-1 1)`);
  }
  function draw() {
    const g = geometry(), now = seen(), k = klass(), name = shown().classes[k], soft = model.get("map") === "posteriors";
    const values = soft ? now.posteriors[k] : now.scores[k], levels = soft ? now.posteriors[k] : now.levels[k];
    const words = (value) => soft ? `${value.toFixed(0)}%` : value.toFixed(1);
    const focused = cells.indexOf(document.activeElement);
    const half = g.stride / 2, wide = g.lefts.at(-1) + g.field - g.lefts[0], high = g.tops.at(-1) + g.field - g.tops[0];
    image.setAttribute("viewBox", `${-half} ${-half} ${g.width + g.stride} ${g.height + g.stride}`);
    small.setAttribute("viewBox", `${g.lefts[0] - 4} ${g.tops[0] - 4} ${wide + 8} ${high + 8}`);
    small.replaceChildren();
    photograph(small);
    const locator = svg("rect", small, { class: "vgg-map-field" });
    image.setAttribute("aria-label", `Map of ${name}, ${g.ys.length} rows by ${g.xs.length} columns, on the picture`);
    image.replaceChildren();
    photograph(image);
    cells = values.map((value, i) => {
      const x = g.xs[i % g.xs.length], y = g.ys[Math.floor(i / g.xs.length)];
      const cell = svg("rect", image, { class: "vgg-map-cell", role: "button", x: x - half, y: y - half, width: g.stride, height: g.stride });
      cell.style.fillOpacity = levels[i] / 125;
      cell.setAttribute("aria-label", `row ${1 + Math.floor(i / g.xs.length)}, column ${1 + (i % g.xs.length)}: ${words(value)}`);
      cell.dataset.lmSuppressShortcuts = "true";
      cell.addEventListener("focus", () => choose(model, "cell", i));
      cell.addEventListener("click", () => choose(model, "cell", i));
      cell.addEventListener("pointerenter", () => { hovered = i; mark(); });
      cell.addEventListener("pointerleave", () => { hovered = null; mark(); });
      cell.addEventListener("keydown", (event) => move(event, i, g));
      svg("text", image, { x, y, "aria-hidden": "true", style: `font-size: ${g.stride / 4}px` }).textContent = words(value);
      return cell;
    });
    const [window, field] = ["vgg-map-window", "vgg-map-field"].map((name) => svg("rect", image, { class: name }));
    mark = () => {
      const i = at(g), x = g.xs[i % g.xs.length], y = g.ys[Math.floor(i / g.xs.length)];
      const left = g.lefts[i % g.xs.length], top = g.tops[Math.floor(i / g.xs.length)];
      cells.forEach((cell, j) => cell.setAttribute("tabindex", j === i ? 0 : -1));
      for (const box of [field, locator]) place(box, left, top, g.field);
      small.setAttribute("aria-label", `Position ${i + 1} sees ${g.field} × ${g.field} px from ${left}, ${top}`);
      place(window, x - g.crop / 2, y - g.crop / 2, g.crop);
      said.textContent = `Position ${i + 1} of ${cells.length}: score ${now.scores[k][i].toFixed(1)}, soft-max ${now.posteriors[k][i].toFixed(1)}%. It sees ${g.field} × ${g.field} px from (${left}, ${top}), zero padding where that is outside; the crop at its middle is dashed.`;
    };
    mark();
    if (focused >= 0) cells[Math.min(model.get("cell"), cells.length - 1)].focus();
    denseTitle.textContent = `Dense: ${g.width} × ${g.height} px, map ${g.xs.length} × ${g.ys.length}`;
    cropsTitle.textContent = `The 5 × 5 crops of ${g.crop} px, in %`;
    tiles(g, now.crops[k], name);
    posteriors(now, k);
    numbers(values.map((_, i) => [String(i + 1), now.scores[k][i].toFixed(1), now.posteriors[k][i].toFixed(1), `${g.lefts[i % g.xs.length]}, ${g.tops[Math.floor(i / g.xs.length)]}`]));
    cropNumbers(g.corners.map(([top, left], i) => [String(i + 1), String(left), String(top), now.crops[k][i].toFixed(1)]));
  }
  function place(box, x, y, side) {
    for (const [name, value] of Object.entries({ x, y, width: side, height: side })) box.setAttribute(name, value);
  }
  function move(event, i, g) {
    const columns = g.xs.length, column = i % columns;
    const allowed = { ArrowLeft: column > 0, ArrowRight: column < columns - 1, ArrowUp: i >= columns, ArrowDown: i + columns < cells.length };
    if (!(event.key in allowed)) return;
    event.preventDefault();
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (allowed[event.key]) cells[i + step].focus();
  }
  function tiles(g, shares, name) {
    grid.replaceChildren();
    grid.setAttribute("role", "img");
    grid.setAttribute("aria-label", `Posterior of ${name} in each of 25 crops, in per cent, row by row: ${shares.map((share) => share.toFixed(0)).join(", ")}`);
    g.corners.forEach(([top, left], i) => {
      const tile = node("div", grid);
      photograph(svg("svg", tile, { viewBox: `${left} ${top} ${g.crop} ${g.crop}` }));
      node("span", tile, { textContent: shares[i].toFixed(0) });
      node("i", node("b", tile)).style.width = `${shares[i]}%`;
    });
  }
  function posteriors(now, chosen) {
    bars.replaceChildren();
    const head = node("div", bars, { className: "vgg-scoremap-row vgg-scoremap-head" });
    for (const text of ["Class", "Mean score", "Dense: soft-max of the mean score", "Crops: mean of 25 soft-maxes"]) node("span", head, { textContent: text });
    shown().classes.forEach((name, k) => {
      const row = node("div", bars, { className: "vgg-scoremap-row" });
      row.classList.toggle("vgg-here", k === chosen);
      row.addEventListener("click", () => choose(model, "klass", k));
      node("span", row, { textContent: name });
      node("span", row, { textContent: now.mean[k].toFixed(2) });
      for (const [side, share] of [["first", now.dense[k]], ["second", now.multi[k]]]) {
        const bar = node("span", row, { className: `vgg-scoremap-bar vgg-${side}` });
        node("i", node("b", bar)).style.width = `${share}%`;
        node("span", bar, { textContent: `${share.toFixed(1)}%` });
      }
    });
  }
  for (const trait of ["scale", "klass", "map", "mirrored"]) model.on(`change:${trait}`, draw);
  model.on("change:cell", () => mark());
  model.on("change:picture", rename);
  model.on("change:pictures", build);
  build();
}
export default { render };
