// Milliseconds for a token against the number of the token, as they come.

const PER_DOUBLING = 4; // points for twice as many tokens
const MARGIN = { left: 46, right: 12, top: 12, bottom: 30 };
const FONT = "12px system-ui, sans-serif";

export class Plot {
  #canvas;
  #points = [];

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  // The token of this number, counted from 1, took so long.
  add(number, milliseconds) {
    const place = Math.floor(PER_DOUBLING * Math.log2(number));
    const last = this.#points.at(-1);
    if (last?.place === place) {
      last.sum += milliseconds;
      last.count += 1;
    } else {
      this.#points.push({ place, number, sum: milliseconds, count: 1 });
    }
  }

  clear() {
    this.#points = [];
    this.draw();
  }

  draw() {
    const brush = this.#prepared();
    const { width, height } = this.#canvas.getBoundingClientRect();
    const style = getComputedStyle(this.#canvas);
    const ink = style.getPropertyValue("--soft");
    const tallest = Math.max(1, ...this.#points.map(mean)) * 1.25;
    const decades = Math.max(2, Math.ceil(Math.log10(this.#points.at(-1)?.number ?? 1)));
    const x = (number) => MARGIN.left + (Math.log10(number) / decades) * (width - MARGIN.left - MARGIN.right);
    const y = (value) => height - MARGIN.bottom - (value / tallest) * (height - MARGIN.top - MARGIN.bottom);
    drawAxes(brush, x, y, decades, tallest, ink);
    drawLine(brush, this.#points, x, y, style.getPropertyValue("--mark"));
  }

  // As many dots as the screen has.
  #prepared() {
    const { width, height } = this.#canvas.getBoundingClientRect();
    this.#canvas.width = width * devicePixelRatio;
    this.#canvas.height = height * devicePixelRatio;
    const brush = this.#canvas.getContext("2d");
    brush.scale(devicePixelRatio, devicePixelRatio);
    brush.font = FONT;
    return brush;
  }
}

function mean({ sum, count }) {
  return sum / count;
}

function drawAxes(brush, x, y, decades, tallest, ink) {
  brush.fillStyle = ink;
  brush.strokeStyle = ink;
  brush.beginPath();
  brush.moveTo(x(1), y(tallest));
  brush.lineTo(x(1), y(0));
  brush.lineTo(x(10 ** decades), y(0));
  brush.stroke();
  for (let decade = 0; decade <= decades; decade++) {
    brush.textAlign = decade === decades ? "right" : "center";
    brush.fillText((10 ** decade).toLocaleString("en"), x(10 ** decade), y(0) + 16);
  }
  brush.textAlign = "right";
  const top = tallest / 1.25;
  brush.fillText("0", x(1) - 6, y(0));
  brush.fillText(`${top.toPrecision(2)} ms`, x(1) - 6, y(top) + 4);
}

function drawLine(brush, points, x, y, color) {
  brush.strokeStyle = color;
  brush.fillStyle = color;
  brush.lineWidth = 2;
  brush.beginPath();
  for (const point of points) {
    brush.lineTo(x(point.number), y(mean(point)));
  }
  brush.stroke();
  for (const point of points) {
    brush.beginPath();
    brush.arc(x(point.number), y(mean(point)), 2.5, 0, 2 * Math.PI);
    brush.fill();
  }
}
