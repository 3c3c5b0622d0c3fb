// Helpers that stand before each widget's own script, in the same module.
const SVG = "http://www.w3.org/2000/svg";

function node(tag, parent, properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  parent?.append(made);
  return made;
}

function svg(tag, parent, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
}

// A focused input of ours keeps its keys: JupyterLab would take the arrows.
function field(tag, parent, properties = {}) {
  const input = node(tag, parent, properties);
  input.dataset.lmSuppressShortcuts = "true";
  return input;
}

// Calls `then` for the button and for Enter, which JupyterLab keeps from submitting a form.
function onSubmit(form, then) {
  const answer = (event) => {
    event.preventDefault();
    then();
  };
  form.addEventListener("submit", answer);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) answer(event);
  });
}

// `trait` set to a value and sent to Python if there is a kernel.
function choose(model, trait, value) {
  model.set(trait, value);
  model.save_changes();
}

// A labelled slider for a whole-number trait; `say` turns its value into words.
function slider(model, parent, trait, { label, min, max, say = String }) {
  const box = node("label", parent, { className: "vgg-control" });
  const text = node("span", box);
  const input = field("input", box, { type: "range", min, max, step: 1 });
  const show = () => {
    input.value = model.get(trait);
    text.textContent = `${label}: ${say(model.get(trait))}`;
    input.setAttribute("aria-valuetext", say(model.get(trait)));
  };
  input.addEventListener("input", () => choose(model, trait, Number(input.value)));
  show();
  model.on(`change:${trait}`, show);
  return input;
}

// A labelled menu; `options` are [value, words] pairs.
function menu(model, parent, trait, { label, options }) {
  const box = node("label", parent, { className: "vgg-control" });
  node("span", box, { textContent: label });
  const input = field("select", box);
  for (const [, words] of options) node("option", input, { textContent: words });
  const show = () => { input.selectedIndex = options.findIndex(([value]) => value === model.get(trait)); };
  input.addEventListener("change", () => choose(model, trait, options[input.selectedIndex][0]));
  show();
  model.on(`change:${trait}`, show);
  return input;
}

// The numbers behind a chart, folded; call the returned function with rows of texts, the first of a row its heading.
function dataTable(parent, caption, columns) {
  const box = node("details", parent, { className: "vgg-data" });
  node("summary", box, { textContent: caption });
  const table = node("table", box);
  const head = node("tr", node("thead", table));
  for (const column of columns) node("th", head, { textContent: column, scope: "col" });
  const body = node("tbody", table);
  return (rows) => body.replaceChildren(...rows.map(([heading, ...cells]) => {
    const row = node("tr");
    node("th", row, { textContent: heading, scope: "row" });
    for (const cell of cells) node("td", row, { textContent: cell });
    return row;
  }));
}

// The widget's root, with the panel that shows Python's errors.
function frame(model, el, name) {
  const root = node("div", el, { className: `vgg vgg-${name}` });
  const panel = node("p", root, { className: "vgg-error" });
  panel.setAttribute("role", "alert");
  const show = () => {
    panel.textContent = model.get("error");
    panel.hidden = !panel.textContent;
  };
  show();
  model.on("change:error", show);
  return root;
}

// Calls `then` once Python answers; never on the printed page.
function whenLive(model, then) {
  const listen = (message) => {
    if (message !== "pong") return;
    model.off("msg:custom", listen);
    then();
  };
  model.on("msg:custom", listen);
  model.send("ping");
}
