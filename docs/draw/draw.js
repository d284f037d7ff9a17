"use strict";
// A network of sknet reads the digit that a visitor draws.  weights.js has set NETWORK.

// ---- The network: the forward pass ---------------------------------------------------

const ACTIVATIONS = {
  identity: (z) => z,
  relu: (z) => Math.max(0, z),
  silu: (z) => z / (1 + Math.exp(-z)),
  tanh: Math.tanh,
  logistic: (z) => 1 / (1 + Math.exp(-z)),
};

// What a layer puts out: g(x W + b), W having a row for each input.
function layerOutput({ weights, biases, activation }, x) {
  const z = biases.slice();
  x.forEach((x_i, i) => {
    if (x_i !== 0) weights[i].forEach((w, j) => (z[j] += x_i * w));
  });
  return z.map(ACTIVATIONS[activation]);
}

// Probabilities from raw outputs; the largest is subtracted so that no exp overflows.
function softmax(z) {
  const largest = Math.max(...z);
  const e = z.map((z_j) => Math.exp(z_j - largest));
  const sum = e.reduce((a, b) => a + b);
  return e.map((e_j) => e_j / sum);
}

// Outputs of all hidden layers, and the probability of each class.
function predict(network, x) {
  const outputs = [x];
  for (const layer of network.layers) outputs.push(layerOutput(layer, outputs.at(-1)));
  return { hidden: outputs.slice(1, -1), probabilities: softmax(outputs.at(-1)) };
}

// ---- The frame: from strokes to 16×16 pixels, as Semeion was made --------------------

// A drawing is a list of strokes, a stroke a list of points {x, y} in the unit square.
const SIDE = 16;
// Width of the pen, in heights or widths of the digit, whichever is larger: with it a
// third of the pixels are ink, as in Semeion, however small the digit was drawn.
const PEN = 0.11;
// A pixel is ink if more than half of these samples along and across it are.
const SAMPLES = 4;
// Semeion's digits were stretched to the frame, but in no direction more than so many
// times as much as in the other: a one without a flag is a bar in the middle.
const MOST_STRETCH = 2.5;

function extent(values) {
  const [first, last] = [Math.min(...values), Math.max(...values)];
  return { middle: (first + last) / 2, size: last - first };
}

// Extents of the points to the right and down.
function extents(points) {
  return [extent(points.map((p) => p.x)), extent(points.map((p) => p.y))];
}

function sizeOf(points) {
  return Math.max(...extents(points).map(({ size }) => size));
}

// Squared distance of a point to the segment from a to b.
function squaredDistance(x, y, a, b) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const along = ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.min(1, Math.max(0, along));
  return (a.x + t * dx - x) ** 2 + (a.y + t * dy - y) ** 2;
}

// The pixels, 0 or 1, row by row.
function frame(strokes) {
  const points = strokes.flat();
  const pen = PEN * sizeOf(points);
  const [across, down] = extents(points);
  const fitting = [SIDE / (across.size + pen), SIDE / (down.size + pen)];
  const most = MOST_STRETCH * Math.min(...fitting);
  const [x_scale, y_scale] = fitting.map((scale) => Math.min(scale, most));
  const segments = strokes.flatMap((s) => s.map((p, i) => [s[Math.max(0, i - 1)], p]));
  const near = (pen / 2) ** 2;
  const inked = (x, y) => segments.some(([a, b]) => squaredDistance(x, y, a, b) <= near);
  const pixels = [];
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      let hits = 0;
      for (let k = 0; k < SAMPLES * SAMPLES; k++) {
        const x = column + ((k % SAMPLES) + 0.5) / SAMPLES - SIDE / 2;
        const y = row + (Math.floor(k / SAMPLES) + 0.5) / SAMPLES - SIDE / 2;
        if (inked(across.middle + x / x_scale, down.middle + y / y_scale)) hits++;
      }
      pixels.push(hits > (SAMPLES * SAMPLES) / 2 ? 1 : 0);
    }
  }
  return pixels;
}

// ---- What is known: one record, from which everything is shown -----------------------

// Below this the network is unsure.  Of the digits that it has not seen it is sure of
// 94 %, and right about 99.7 % of these (python docs/draw/train.py --folds 10).
const SURE = 0.7;
// In parts of the canvas: less is a dot, not a digit.
const SMALLEST = 0.1;

const state = {
  strokes: [],
  pen: null, // the stroke that is being drawn
  cursor: null, // where the keyboard's pen is
  pixels: null,
  hidden: null,
  probabilities: null,
};

function read() {
  const points = state.strokes.flat();
  const nothing = points.length === 0 || sizeOf(points) < SMALLEST;
  state.pixels = nothing ? null : frame(state.strokes);
  const prediction = nothing ? null : predict(NETWORK, state.pixels);
  state.hidden = prediction && prediction.hidden[0];
  state.probabilities = prediction && prediction.probabilities;
}

// What is to be said: a headline, a line below it, and whether the network is sure.
function verdict() {
  if (state.probabilities === null) {
    if (state.strokes.length === 0) return { guess: "", text: "Draw a digit, 0 to 9." };
    return { guess: "", text: "Too small to read: draw it larger." };
  }
  const order = state.probabilities.map((p, j) => [p, NETWORK.classes[j]]);
  const [[p, first], [q, second]] = order.sort((a, b) => b[0] - a[0]);
  if (p >= SURE) {
    return { guess: `${first}`, text: `It looks like ${first} (${percent(p)}).` };
  }
  return {
    guess: `${first}?`,
    text: `Unsure: ${first} (${percent(p)}) or ${second} (${percent(q)})?`,
    unsure: true,
  };
}

function percent(p) {
  return `${Math.round(100 * p)} %`;
}

// ---- Showing it ----------------------------------------------------------------------

const $ = (id) => document.getElementById(id);
const paper = $("paper");

// The colours are those of the style sheet, light or dark.
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

function drawPaper() {
  const size = paper.clientWidth * (window.devicePixelRatio || 1);
  if (paper.width !== Math.round(size)) paper.width = paper.height = Math.round(size);
  const context = paper.getContext("2d");
  context.clearRect(0, 0, paper.width, paper.height);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = colour("--ink");
  context.lineWidth = 0.07 * paper.width;
  for (const stroke of state.strokes) {
    context.beginPath();
    // A line of no length would leave no dot.
    for (const p of [stroke[0], ...stroke]) {
      context.lineTo(p.x * paper.width, p.y * paper.height + 0.01);
    }
    context.stroke();
  }
  if (state.cursor !== null) drawCursor(context);
}

function drawCursor(context) {
  context.beginPath();
  const { x, y } = state.cursor;
  context.arc(x * paper.width, y * paper.height, 0.04 * paper.width, 0, 2 * Math.PI);
  context.lineWidth = 0.01 * paper.width;
  context.strokeStyle = context.fillStyle = colour("--accent");
  context.stroke();
  if (state.pen !== null) context.fill();
}

// Values from 0 to 1 as squares, row by row, the larger the stronger the colour.
function drawSquares(canvas, values, name) {
  const context = canvas.getContext("2d");
  const cell = canvas.width / SIDE;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colour(name);
  values.forEach((value, i) => {
    context.globalAlpha = Math.min(1, Math.max(0, value));
    context.fillRect((i % SIDE) * cell, Math.floor(i / SIDE) * cell, cell - 1, cell - 1);
  });
}

function describe(canvas, text) {
  canvas.setAttribute("aria-label", text);
}

function showInside() {
  const pixels = state.pixels || [];
  drawSquares($("seen"), pixels, "--ink");
  const ink = pixels.filter((pixel) => pixel === 1).length;
  describe($("seen"), `What the network sees: ${ink} of ${SIDE * SIDE} pixels are ink`);
  const hidden = state.hidden || NETWORK.layers[0].biases.map(() => 0);
  const most = Math.max(...hidden, 1e-9);
  const unlit = 0.08; // so that every unit is seen
  drawSquares($("hidden"), hidden.map((a) => Math.max(unlit, a / most)), "--accent");
  const lit = hidden.filter((a) => a > most / 4).length;
  describe($("hidden"), `Hidden layer: ${lit} of ${hidden.length} units are lit`);
}

function show() {
  drawPaper();
  showInside();
  const { guess, text, unsure } = verdict();
  $("guess").textContent = guess;
  $("verdict").textContent = text;
  document.body.classList.toggle("unsure", unsure === true);
  const probabilities = state.probabilities || NETWORK.classes.map(() => 0);
  const best = Math.max(...probabilities);
  [...$("bars").rows].forEach((row, j) => {
    const p = probabilities[j];
    row.classList.toggle("best", p > 0 && p === best);
    row.querySelector(".bar").style.width = `${100 * p}%`;
    row.cells[2].textContent = state.probabilities === null ? "–" : percent(p);
  });
  $("undo").disabled = $("clear").disabled = state.strokes.length === 0;
}

// Said by a screen reader once a stroke is complete, not at each of its points.
function say(text) {
  $("said").textContent = text;
}

let frameIsAsked = false;

// Once for each frame of the screen, however fast the points come.
function update() {
  if (frameIsAsked) return;
  frameIsAsked = true;
  requestAnimationFrame(() => {
    frameIsAsked = false;
    read();
    show();
  });
}

// ---- Drawing with the mouse, a finger or a pen ---------------------------------------

function pointOf(event) {
  const { left, top, width, height } = paper.getBoundingClientRect();
  const inside = (value) => Math.min(1, Math.max(0, value));
  return {
    x: inside((event.clientX - left) / width),
    y: inside((event.clientY - top) / height),
  };
}

function begin(point) {
  state.pen = [point];
  state.strokes.push(state.pen);
  update();
}

function go(point) {
  const last = state.pen.at(-1);
  if (Math.hypot(point.x - last.x, point.y - last.y) < 0.01) return; // hardly moved
  state.pen.push(point);
  update();
}

function end() {
  if (state.pen === null) return;
  state.pen = null;
  read();
  show();
  say(verdict().text);
}

function clear() {
  state.strokes = [];
  state.pen = null;
  read();
  show();
  say("Cleared.");
}

function undo() {
  state.pen = null;
  state.strokes.pop();
  read();
  show();
  say(`Last stroke removed. ${verdict().text}`);
}

paper.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !event.isPrimary) return;
  paper.setPointerCapture(event.pointerId);
  state.cursor = null;
  begin(pointOf(event));
});
paper.addEventListener("pointermove", (event) => {
  if (event.isPrimary && paper.hasPointerCapture(event.pointerId) && state.pen !== null) {
    go(pointOf(event));
  }
});
for (const name of ["pointerup", "pointercancel"]) {
  paper.addEventListener(name, (event) => event.isPrimary && end());
}

// ---- Drawing with the keyboard -------------------------------------------------------

const STEP = 0.05;
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function move([dx, dy]) {
  const inside = (value) => Math.min(0.95, Math.max(0.05, value));
  const { x, y } = state.cursor;
  state.cursor = { x: inside(x + STEP * dx), y: inside(y + STEP * dy) };
  if (state.pen !== null) go(state.cursor);
}

function press(key) {
  if (state.cursor === null) state.cursor = { x: 0.5, y: 0.2 };
  if (key in ARROWS) move(ARROWS[key]);
  else if (key !== " ") return false;
  else if (state.pen !== null) end();
  else {
    begin(state.cursor);
    say("Pen down.");
  }
  update();
  return true;
}

paper.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (press(event.key)) event.preventDefault(); // the page is not to scroll
});
paper.addEventListener("focus", () => {
  if (paper.matches(":focus-visible")) state.cursor = state.cursor || { x: 0.5, y: 0.2 };
  update();
});
paper.addEventListener("blur", () => {
  state.cursor = null;
  end();
  update();
});
document.addEventListener("keydown", (event) => {
  const undoes = (event.ctrlKey || event.metaKey) && event.key === "z";
  if (undoes && state.strokes.length > 0) undo();
  if (event.key === "Escape") clear();
});

// ---- The start -----------------------------------------------------------------------

for (const label of NETWORK.classes) {
  const row = $("bars").insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = label;
  row.append(head);
  const [track, bar] = ["track", "bar"].map((name) => {
    const part = document.createElement("div");
    part.className = name;
    return part;
  });
  track.append(bar);
  row.insertCell().append(track);
  row.insertCell();
}
$("clear").addEventListener("click", clear);
$("undo").addEventListener("click", undo);
window.addEventListener("resize", update);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
read();
show();
