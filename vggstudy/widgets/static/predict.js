// Looks up what Python wrote about each answer (`bands` for a number, `options` for a choice) and shows it.
function render({ model, el }) {
  const root = frame(model, el, "predict");
  const options = model.get("options"), unit = model.get("unit");
  const form = node("form", root, { noValidate: true });
  const group = node("fieldset", form);
  node("legend", group, { textContent: model.get("question") });
  const fields = options.length ? options.map(radio) : [number()];
  const commit = node("button", group, { type: "submit", textContent: "Commit" });
  const reveal = node("div", form, { className: "vgg-reveal" });
  reveal.setAttribute("role", "status");
  const again = node("button", form, { type: "button", textContent: "Try again", className: "vgg-quiet" });

  function radio(option, i) {
    const label = node("label", group, { className: "vgg-option" });
    const input = field("input", label, { type: "radio", name: "choice", value: String(i) });
    node("span", label, { textContent: option.text });
    return input;
  }
  function number() {
    const label = node("label", group, { className: "vgg-control" });
    node("span", label, { textContent: unit ? `Your prediction, ${unit}` : "Your prediction" });
    return field("input", label, { type: "number", step: "any", inputMode: "decimal" });
  }
  function said() {
    if (options.length) return options[fields.findIndex((input) => input.checked)]?.text ?? null;
    return Number.isFinite(fields[0].valueAsNumber) ? fields[0].valueAsNumber : null;
  }
  const holds = ({ low, high }, value) => (low ?? -Infinity) <= value && value <= (high ?? Infinity);
  const verdict = (value) => options.find((option) => option.text === value)
    ?? model.get("bands").find((band) => holds(band, value));

  function draw() {
    const value = model.get("committed");
    const open = value === null;
    for (const input of fields) input.disabled = !open;
    commit.hidden = !open;
    again.hidden = open;
    reveal.replaceChildren();
    form.dataset.verdict = "";
    if (open) return;
    if (options.length) fields.forEach((input, i) => { input.checked = options[i].text === value; });
    else fields[0].value = value;
    const { right, feedback } = verdict(value);
    form.dataset.verdict = right ? "right" : "wrong";
    node("p", reveal, { textContent: right ? "✓ Right" : "✗ Not so", className: "vgg-verdict" });
    if (feedback) node("p", reveal, { textContent: feedback });
    const answer = node("p", reveal, { textContent: "Computed: " });
    node("strong", answer, { textContent: unit ? `${model.get("key")} ${unit}` : model.get("key") });
    if (model.get("explanation")) node("p", reveal, { textContent: model.get("explanation") });
  }
  onSubmit(form, () => {
    const value = said();
    if (value === null) fields[0].focus();
    else {
      choose(model, "committed", value);
      again.focus();
    }
  });
  again.addEventListener("click", () => {
    choose(model, "committed", null);
    (fields.find((input) => input.checked) ?? fields[0]).focus();
  });
  model.on("change:committed", draw);
  draw();
}
export default { render };
