// Draws Table 1 as columns of bars (`columns`) and explains the layer under the pointer or the focus.
function render({ model, el }) {
  const root = frame(model, el, "explorer");
  const detail = node("div", root, { className: "vgg-detail" });
  const picture = svg("svg", detail, { viewBox: "-132 -132 488 488", role: "img" });
  const words = node("div", detail);
  const title = node("p", words, { className: "vgg-title" });
  const facts = node("dl", words, { className: "vgg-facts" });
  const marked = node("p", words, { className: "vgg-muted" });

  const controls = node("div", root, { className: "vgg-controls" });
  menu(model, controls, "measure", { label: "Bars show", options: model.get("measures") });
  const partner = node("label", controls, { className: "vgg-control" });
  node("span", partner, { textContent: "Mark what differs from" });
  const compared = field("select", partner);
  compared.addEventListener("change", () => choose(model, "compared", compared.value));
  ownStack();

  const table = node("div", root, { className: "vgg-columns" });
  const numbers = dataTable(root, "The configuration on show as a table",
    ["Layer", "In Table 1", "Output", ...model.get("measures").flatMap(([, name]) => [name, "%"]), "Field, px", "Stride, px"]);

  let buttons = new Map(), hovered = null;
  const key = (config, layer) => `${config}/${layer}`;
  const column = (name) => model.get("columns").find((each) => each.name === name);
  const cellOf = (config, layer) => column(config).cells.find((cell) => cell?.name === layer);
  const chosen = () => [model.get("config"), model.get("layer")];

  function ownStack() {
    const form = node("form", controls, { className: "vgg-controls", hidden: true });
    const label = node("label", form, { className: "vgg-control" });
    node("span", label, { textContent: "A stack of your own" });
    const input = field("input", label, { type: "text", placeholder: "conv5-64 | conv3-128 |", value: model.get("stack") });
    node("button", form, { type: "submit", textContent: "Add" });
    onSubmit(form, () => choose(model, "stack", input.value));
    whenLive(model, () => { form.hidden = false; });
  }

  function build() {
    const columns = model.get("columns");
    compared.replaceChildren();
    for (const name of ["", ...columns.map((each) => each.name)])
      node("option", compared, { value: name, textContent: name || "nothing" });
    buttons = new Map();
    table.replaceChildren();
    for (const each of columns) {
      const box = node("div", table, { className: "vgg-column" });
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${each.name}, ${each.weight_layers} weight layers`);
      box.style.setProperty("--column", `var(--vgg-${each.name.toLowerCase()}, var(--vgg-muted))`);
      const head = node("p", box, { className: "vgg-head" });
      node("b", head, { textContent: each.name });
      node("span", head);
      each.cells.forEach((cell, row) => cell ? button(box, each, cell, row) : node("div", box, { className: "vgg-gap" }));
    }
    draw();
    tabulate();
  }
  function button(box, { name }, cell, row) {
    const made = field("button", box, { type: "button", className: `vgg-cell vgg-${cell.kind}` });
    node("span", made, { textContent: cell.label });
    node("i", made);
    made.addEventListener("click", () => select(name, cell.name));
    made.addEventListener("focus", () => select(name, cell.name));
    const mine = [name, cell.name];
    made.addEventListener("pointermove", () => { if (hovered !== mine) { hovered = mine; explain(); } });
    made.addEventListener("pointerleave", () => { hovered = null; explain(); });
    made.addEventListener("keydown", (event) => move(event, name, row));
    buttons.set(key(name, cell.name), made);
  }
  function select(config, layer) {
    hovered = null; // a pointer that only rests there must not hide what the keys choose
    if (key(...chosen()) === key(config, layer)) return;
    model.set({ config, layer });
    model.save_changes();
  }
  // Up and down within a column, over its gaps; left and right to the same row of the next one, or the nearest above it.
  function move(event, name, row) {
    const columns = model.get("columns"), at = columns.findIndex((each) => each.name === name);
    const down = { ArrowUp: -1, ArrowDown: 1 }[event.key], across = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const next = columns[at + (across ?? 0)];
    if ((!down && !across) || !next) return;
    event.preventDefault();
    let to = row + (down ?? 0);
    while (to > 0 && to < next.cells.length && !next.cells[to]) to += down ?? -1;
    if (next.cells[to]) buttons.get(key(next.name, next.cells[to].name)).focus();
  }

  function draw() {
    const columns = model.get("columns"), measure = model.get("measures").findIndex(([name]) => name === model.get("measure"));
    const against = model.get("compared"), config = model.get("config");
    compared.value = against;
    table.childNodes.forEach((box, i) => {
      const each = columns[i];
      box.querySelector(".vgg-head span").textContent = each.totals[measure];
      box.classList.toggle("vgg-aside", against !== "" && against !== config && ![against, config].includes(each.name));
      const other = each.name === config ? against : config;
      for (const cell of each.cells.filter(Boolean)) {
        const made = buttons.get(key(each.name, cell.name));
        const differs = against !== "" && [against, config].includes(each.name) && cell.differs.includes(other);
        made.classList.toggle("vgg-differs", differs);
        made.querySelector("i").style.width = cell.lengths[measure] ? `max(1px, ${100 * cell.lengths[measure]}%)` : 0;
        made.setAttribute("aria-label", `${cell.name}, ${cell.label}: ${cell.texts[measure]}${differs ? `, not in ${other}` : ""}`);
      }
    });
    explain();
  }
  function tabulate() {
    numbers(column(model.get("config")).cells.filter(Boolean).map((cell) => [
      cell.name, cell.label, cell.shape, ...cell.texts.flatMap((text, i) => [text, cell.shares[i].toFixed(1)]),
      String(cell.receptive_field), String(cell.stride),
    ]));
  }
  function explain() {
    const [config, layer] = hovered ?? chosen(), cell = cellOf(config, layer);
    for (const [name, made] of buttons) {
      const mine = name === key(...chosen());
      made.tabIndex = mine ? 0 : -1;
      made.setAttribute("aria-current", String(mine));
    }
    detail.style.setProperty("--column", `var(--vgg-${config.toLowerCase()}, var(--vgg-muted))`);
    title.textContent = `${config} · ${cell.name} · ${cell.label}`;
    facts.replaceChildren();
    const rows = model.get("measures").map(([, name], i) => [name, `${cell.texts[i]} (${cell.shares[i].toFixed(1)}%)`]);
    const seen = `${cell.receptive_field} × ${cell.receptive_field} px`;
    for (const [name, text] of [["Output", cell.shape], ...rows, ["Receptive field", seen], ["Stride", `${cell.stride} px`]]) {
      node("dt", facts, { textContent: name });
      node("dd", facts, { textContent: text });
    }
    const [left, top, right, bottom] = cell.box;
    picture.replaceChildren();
    picture.setAttribute("aria-label", `Receptive field of the middle cell of ${cell.name}: ${seen} of a picture of 224 × 224 px`);
    svg("rect", picture, { class: "vgg-ground", x: -132, y: -132, width: 488, height: 488 });
    svg("image", picture, { href: model.get("picture"), width: 224, height: 224, preserveAspectRatio: "none" });
    svg("rect", picture, { class: "vgg-halo", x: left, y: top, width: right - left, height: bottom - top });
    svg("rect", picture, { class: "vgg-box", x: left, y: top, width: right - left, height: bottom - top });
    const against = model.get("compared");
    const other = config === model.get("config") ? against : model.get("config");
    marked.textContent = !against || other === config ? "" : cell.differs.includes(other) ? `≠ ${other} has no such layer.` : `${other} has the same layer.`;
  }
  for (const trait of ["config", "compared", "measure"]) model.on(`change:${trait}`, draw);
  for (const trait of ["layer", "picture"]) model.on(`change:${trait}`, explain);
  model.on("change:config", tabulate);
  model.on("change:columns", build);
  build();
}
export default { render };
