// Draws the receptive field of a stack, layer by layer, beside the one layer that sees as much (`states`, `own`).
const PIXELS = 260; // side of a drawing in its own units

function render({ model, el }) {
  const root = frame(model, el, "field");
  const controls = node("div", root, { className: "vgg-controls" });
  slider(model, controls, "layers", { label: "Layers", min: 1, max: 5 });
  menu(model, controls, "kernel", { label: "Filters", options: [3, 5].map((k) => [k, `${k}×${k}`]) });
  menu(model, controls, "channels", { label: "Channels C", options: [64, 128, 256, 512].map((c) => [c, String(c)]) });
  const own = ownStack();

  const pair = node("div", root, { className: "vgg-pair" });
  const left = panel("first"), right = panel("second");
  const bars = node("div", root, { className: "vgg-bars" });
  const table = dataTable(root, "The numbers as a table", ["", "Stack", "Single layer"]);
  const status = node("p", root, { className: "vgg-said" });
  status.setAttribute("role", "status");

  function ownStack() {
    const form = node("form", root, { className: "vgg-controls", hidden: true });
    const box = node("label", form, { className: "vgg-control" });
    node("span", box, { textContent: "A stack of your own" });
    const input = field("input", box, { type: "text", size: 30, placeholder: "conv5-64 conv3-64 |", value: model.get("stack") });
    node("button", form, { type: "submit", textContent: "Compare" });
    const back = node("button", form, { type: "button", textContent: "Back to the sliders" });
    onSubmit(form, () => choose(model, "stack", input.value));
    back.addEventListener("click", () => choose(model, "stack", ""));
    model.on("change:stack", () => { input.value = model.get("stack"); });
    whenLive(model, () => { form.hidden = false; });
    return { back };
  }

  function panel(side) {
    const figure = node("figure", pair, { className: `vgg-side vgg-${side}` });
    const caption = node("figcaption", figure);
    const picture = svg("svg", figure, { viewBox: `0 0 ${PIXELS} ${PIXELS}`, role: "img" });
    return { caption, picture };
  }

  // Squares of the given sides on one grid, the largest at the back.
  function draw({ picture, caption }, title, fields, names, cells) {
    caption.textContent = title;
    picture.replaceChildren();
    picture.setAttribute("aria-label", `${title}: ${names.map((name, i) => `${name} sees ${fields[i]}×${fields[i]} cells`).join(", ")}`);
    const size = PIXELS / cells, middle = PIXELS / 2;
    svg("rect", picture, { class: "vgg-ground", width: PIXELS, height: PIXELS });
    for (let i = fields.length - 1; i >= 0; i--) {
      const side = fields[i] * size, corner = middle - side / 2;
      svg("rect", picture, { class: "vgg-seen", x: corner, y: corner, width: side, height: side });
    }
    if (size >= 5) {
      const lines = Array.from({ length: cells + 1 }, (_, i) => `M${i * size} 0V${PIXELS}M0 ${i * size}H${PIXELS}`).join("");
      svg("path", picture, { class: "vgg-grid", d: lines });
    }
    fields.forEach((field, i) => {
      const corner = middle - (field * size) / 2;
      svg("rect", picture, { class: "vgg-edge", x: corner, y: corner, width: field * size, height: field * size });
      const rim = ((field - (fields[i - 1] ?? 0)) * size) / 2;
      if (rim >= 15) svg("text", picture, { class: "vgg-size", x: corner + 4, y: corner + 13 }).textContent = `${field}×${field}`;
    });
  }

  function bar(row) {
    const line = node("div", bars, { className: "vgg-line" });
    node("b", line, { textContent: row.name });
    [["first", row.stack_text], ["second", row.single_text]].forEach(([side, text], i) => {
      const track = node("div", line, { className: `vgg-track vgg-${side}` });
      node("i", track).style.width = `${100 * row.shares[i]}%`;
      node("span", track, { textContent: text });
    });
  }

  function show() {
    const state = model.get("own") ?? model.get("states")[[model.get("kernel"), model.get("layers"), model.get("channels")]];
    const field = state.fields.at(-1), cells = field + 2;
    const stack = state.layers.length > 5 ? `${state.layers.length} layers` : state.layers.join(" → ");
    draw(left, stack, state.fields, state.layers, cells);
    draw(right, state.single, [field], [state.single], cells);
    bars.replaceChildren();
    state.rows.forEach(bar);
    table([
      ...state.fields.map((size, i) => [`Receptive field after layer ${i + 1}, ${state.layers[i]}`, `${size}×${size}`, i === state.fields.length - 1 ? `${size}×${size}` : ""]),
      ...state.rows.map((row) => [row.name, row.stack.toLocaleString("en"), row.single.toLocaleString("en")]),
    ]);
    status.textContent = `Both see ${field}×${field} cells of a ${state.side}×${state.side} map; one image, 4 bytes a number, biases left out.`;
    own.back.hidden = !model.get("own");
  }
  const leaveOwn = () => { model.set("own", null); choose(model, "stack", ""); show(); };
  for (const trait of ["layers", "kernel", "channels"]) model.on(`change:${trait}`, leaveOwn);
  model.on("change:own", show);
  show();
}
export default { render };
