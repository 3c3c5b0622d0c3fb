// Draws the curves, axes and marks of `state` up to the scrubber's position, and passes the buttons on to Python.
const WIDTH = 320, HEIGHT = 200, LEFT = 48, RIGHT = 8, TOP = 10, BOTTOM = 26; // of a chart, in its own units
const FRAME_MS = 60, CALM = 10; // reduced motion: a tenth of the frames, a tenth as often
const ACTIVE = ["running", "paused"];

function render({ model, el }) {
  const root = frame(model, el, "live-curves");
  const bar = node("div", root, { className: "vgg-controls" });
  const buttons = Object.fromEntries(["Start", "Pause", "Resume", "Stop"].map((name) => [name, button(name)]));
  const status = node("span", bar, { className: "vgg-status" });
  status.setAttribute("role", "status");
  const legend = node("p", root, { className: "vgg-legend" });
  const advice = node("p", root, { className: "vgg-advice" });
  const charts = node("div", root, { className: "vgg-charts" });
  const replay = node("div", root, { className: "vgg-controls vgg-replay" });
  const play = node("button", replay, { type: "button" });
  const scrubber = field("input", replay, { type: "range", min: 0, step: 1 });
  scrubber.setAttribute("aria-label", "Position in the run");
  const position = node("span", replay, { className: "vgg-position" });
  const readout = node("div", root, { className: "vgg-data vgg-readout" });
  const validations = dataTable(root, "Validations as a table", ["run", "step", "loss", "top-1 error, %", "top-5 error, %"]);
  let live = false, timer = null, waiting = false;

  function button(name) {
    const made = node("button", bar, { type: "button", textContent: name });
    made.addEventListener("click", () => model.send({ command: name.toLowerCase() }));
    return made;
  }

  // Which part of the runs is shown: all of it while one goes on.
  const frames = () => model.get("state").frames;
  const going = () => live && ACTIVE.includes(model.get("status"));
  const shown = () => (going() || model.get("frame") < 0 ? frames().length - 1 : Math.min(model.get("frame"), frames().length - 1));
  const limit = () => frames()[shown()] ?? 0;

  function buttonsAndStatus() {
    const now = model.get("status"), startable = model.get("startable");
    for (const made of Object.values(buttons)) made.hidden = !startable;
    buttons.Start.disabled = !live || ACTIVE.includes(now);
    buttons.Pause.disabled = !live || now !== "running";
    buttons.Resume.disabled = !live || now !== "paused";
    buttons.Stop.disabled = !live || !ACTIVE.includes(now);
    const recorded = frames().length ? "Recorded run" : "No run yet";
    status.textContent = live && startable ? now : recorded + (startable ? ": on a kernel, Start trains it again" : "");
    root.dataset.status = now;
    scrubber.disabled = play.disabled = going() || !frames().length;
    play.textContent = timer ? "❚❚ Hold" : "▶ Play";
  }

  function place(axis, value) {
    return ((axis.log ? Math.log10(value) : value) - axis.low) / (axis.high - axis.low);
  }
  const across = (axis, value) => LEFT + (WIDTH - LEFT - RIGHT) * place(axis, value);
  const up = (axis, value) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * place(axis, value);

  function chart(panel, state) {
    const figure = node("figure", charts);
    node("figcaption", figure, { textContent: panel.title });
    const picture = svg("svg", figure, { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    picture.setAttribute("aria-label", `${panel.title} up to step ${limit()}; the values stand in the table below`);
    const plain = { ...panel, log: false }; // ticks of a logarithmic axis are exponents already
    for (const [value, text] of panel.ticks) {
      const y = up(plain, value);
      svg("path", picture, { class: "vgg-tick", d: `M${LEFT} ${y}H${WIDTH - RIGHT}` });
      svg("text", picture, { x: LEFT - 5, y: y + 4, "text-anchor": "end" }).textContent = text;
    }
    for (const [value, text] of state.steps.ticks)
      svg("text", picture, { x: across(state.steps, value), y: HEIGHT - 9, "text-anchor": "middle" }).textContent = text;
    const x = (step) => across(state.steps, step);
    if (panel.level) {
      const y = up(panel, state.level.value);
      svg("path", picture, { class: "vgg-level", d: `M${LEFT} ${y}H${WIDTH - RIGHT}` });
      svg("text", picture, { x: WIDTH - RIGHT, y: y - 5, "text-anchor": "end" }).textContent = state.level.label;
    }
    state.runs.forEach((run) => {
      const group = svg("g", picture, { class: "vgg-run" });
      group.style.setProperty("--run", `var(--vgg-${run.colour.toLowerCase()})`);
      for (const drop of run.drops.filter(({ step }) => step <= limit())) {
        const line = svg("path", group, { class: "vgg-drop", d: `M${x(drop.step)} ${TOP}V${HEIGHT - BOTTOM}` });
        svg("title", line).textContent = `learning rate ${drop.label} at step ${drop.step}`;
      }
      if (panel.level && stuckNow(run)) { // until it left, or to the end
        const [first, last] = run.stuck;
        const width = x(Math.min(last, limit())) - x(first);
        svg("rect", group, { class: "vgg-stuck", x: x(first), y: TOP, width, height: HEIGHT - BOTTOM - TOP });
      }
      for (const name of panel.series) curve(group, run, name, panel, x);
    });
  }

  function curve(group, run, name, panel, x) {
    const validated = name in run.validation;
    const track = validated ? run.validation : run.train;
    const points = (track[name] ?? []).map((value, i) => [track.step[i], value]).filter(([step, value]) => step <= limit() && value !== null);
    if (!points.length) return;
    const kind = `vgg-curve${validated ? " vgg-validated" : ""}${name.includes("top5") ? " vgg-top5" : ""}`;
    const corners = points.map(([step, value]) => `${x(step)},${up(panel, value)}`);
    const line = svg("polyline", group, { class: kind, points: corners.join(" ") });
    line.dataset.series = name;
    svg("title", line).textContent = `${run.name}: ${model.get("state").labels[name]}`;
    const dots = validated && points.length < 40 ? points : [points.at(-1)];
    for (const [step, value] of dots) svg("circle", group, { class: "vgg-dot", cx: x(step), cy: up(panel, value), r: validated ? 2.5 : 2 });
  }

  const stuckNow = (run) => run.stuck && limit() > run.stuck[0];

  // The last value of a column that is not later than the position shown.
  function valueAt(track, name) {
    for (let i = track.step.length - 1; i >= 0; i--)
      if (track.step[i] <= limit() && track[name]?.[i] != null) return track[name][i];
    return null;
  }

  function tables(state) {
    readout.replaceChildren();
    const table = node("table", readout);
    node("caption", table, { textContent: `Values at step ${limit().toLocaleString("en")}` });
    const head = node("tr", node("thead", table));
    node("td", head);
    for (const run of state.runs) node("th", head, { textContent: run.name, scope: "col" });
    const body = node("tbody", table);
    for (const [name, label] of Object.entries(state.labels)) {
      const values = state.runs.map((run) => valueAt(name in run.validation ? run.validation : run.train, name));
      if (values.every((value) => value === null)) continue;
      const row = node("tr", body);
      row.dataset.series = name;
      node("th", row, { textContent: label, scope: "row" });
      for (const value of values) node("td", row, { textContent: value === null ? "–" : value.toLocaleString("en", { maximumSignificantDigits: 4 }) });
    }
    validations(state.runs.flatMap((run) => run.validation.step.map((step, i) => [run, step, i])
      .filter(([, step]) => step <= limit())
      .map(([run, step, i]) => [run.name, step, ...["val_loss", "val_top1_error", "val_top5_error"].map((name) => run.validation[name]?.[i] ?? "–")])));
  }

  function draw() {
    waiting = false;
    const state = model.get("state");
    charts.replaceChildren();
    for (const panel of state.panels) chart(panel, state);
    legend.replaceChildren();
    for (const run of state.runs) node("b", legend, { textContent: run.name }).style.setProperty("--run", `var(--vgg-${run.colour.toLowerCase()})`);
    node("span", legend, { textContent: "thin: training · thick, dotted: validation · dashed: top-5 · upright: the rate falls" });
    const held = state.runs.filter((run) => stuckNow(run) && run.stuck[1] >= Math.min(limit(), run.step));
    advice.hidden = !held.length;
    advice.textContent = held.length ? `${held.map((run) => run.name).join("; ")}: ${state.advice}` : "";
    scrubber.max = Math.max(0, frames().length - 1);
    scrubber.value = shown();
    position.textContent = `step ${limit().toLocaleString("en")}`;
    scrubber.setAttribute("aria-valuetext", position.textContent);
    tables(state);
    buttonsAndStatus();
  }
  function soon() { // many changes, one drawing a frame
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(draw);
  }

  function hold() {
    clearInterval(timer);
    timer = null;
  }
  function advance(by) {
    const next = shown() + by, last = frames().length - 1;
    choose(model, "frame", Math.min(next, last));
    if (next >= last || going()) hold();
    soon();
  }
  play.addEventListener("click", () => {
    if (timer) hold();
    else {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches ? CALM : 1;
      if (shown() === frames().length - 1) choose(model, "frame", 0);
      timer = setInterval(() => advance(calm), FRAME_MS * calm);
    }
    soon();
  });
  scrubber.addEventListener("input", () => {
    hold();
    choose(model, "frame", Number(scrubber.value));
  });

  const watched = "change:state change:frame change:status";
  model.on(watched, soon);
  draw();
  whenLive(model, () => { live = true; soon(); });
  return () => { hold(); model.off(watched, soon); };
}
export default { render };
