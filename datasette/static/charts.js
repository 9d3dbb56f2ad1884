// Draws every <figure class="chart" data-chart="line|bar"> from the table inside it.
//
// First column x, further columns one series each; a cell without a number is a gap. Lines do not
// run from one <tbody> into the next: reports on different forms are not one series. A row with a
// single <th scope="rowgroup"> names its tbody. data-unit is put behind numbers; a cell with
// data-faint rests on too little to go by and is drawn hollow. The table stays, folded under the
// drawing (data-table="open" leaves it as it is): it is what is read aloud.
// Colours are the variables --chart-1 … --chart-8 of the stylesheet. Needs uPlot (uplot/).
"use strict";
(() => {
  const FOLDER = new URL(".", document.currentScript.src).href;
  const COLOURS = 8;
  const LONGEST_LABEL = 9;
  const WHOLE_STEPS = Array.from({ length: 13 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();
  const DASHES = [[], [6, 4], [2, 3], [9, 3, 2, 3]];
  const exact = new Intl.NumberFormat("zh-CN", { maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat("zh-CN", { notation: "compact", maximumFractionDigits: 1 });

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const numberIn = (cell) => {
    const text = (cell?.dataset.value ?? cell?.firstChild?.textContent ?? "").replace(/[,\s]/g, "");
    const found = /^[-−]?\d+(\.\d+)?/.exec(text);
    return found ? Number(found[0].replace("−", "-")) : null;
  };

  // {columns, parts: [{heading, rows: [{x, amounts}]}]}
  const readTable = (table) => {
    const columns = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
    const parts = [...table.tBodies].map((body) => {
      const rows = [...body.rows];
      const heading = rows[0]?.querySelector('th[scope="rowgroup"]')?.textContent.trim() ?? "";
      return {
        heading,
        rows: rows
          .filter((row) => !row.querySelector('th[scope="rowgroup"]'))
          .map((row) => ({
            x: row.cells[0].textContent.trim(),
            amounts: columns.map((_, i) => numberIn(row.cells[i + 1])),
            faint: columns.map((_, i) => row.cells[i + 1]?.hasAttribute("data-faint") ?? false),
          })),
      };
    });
    return { columns, parts };
  };

  const distinct = (values) => [...new Set(values)];

  // What is drawn: places on the x axis with their labels, and a series for each column and part.
  const layOut = (kind, { columns, parts }) => {
    let labels = distinct(parts.flatMap((part) => part.rows.map((row) => row.x)));
    const years = labels.every((label) => /^\d{4}$/.test(label));
    if (years && labels.length) {
      const [first, last] = [Math.min(...labels), Math.max(...labels)];
      labels = Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
    }
    const series = [];
    const told = parts.filter((part) => part.rows.some((row) => row.amounts.some((a) => a !== null)));
    told.forEach((part, at) =>
      columns.forEach((name, i) => {
        const known = new Map(part.rows.map((row) => [row.x, row]));
        const amounts = labels.map((label) => known.get(label)?.amounts[i] ?? null);
        const faint = labels.map((label) => known.get(label)?.faint[i] ?? false);
        const older = told.length - 1 - at;
        const place = columns.length > 1 ? i : kind === "bar" ? at : 0;
        if (amounts.some((amount) => amount !== null)) {
          series.push({ name, heading: part.heading, amounts, faint, older, place });
        }
      }),
    );
    const drawn = {
      labels,
      series,
      columns: distinct(series.map((one) => one.name)).length,
      parts: distinct(series.map((one) => one.heading)).length,
    };
    if (kind !== "bar") {
      const xs = labels.map((_, i) => i);
      return { ...drawn, xs, at: (i) => i, data: series.map((one) => one.amounts), wide: 1 };
    }
    // Bars of one label stand side by side: each series has places of its own.
    const wide = series.length + (series.length > 1 ? 1 : 0);
    const xs = labels.flatMap((_, i) => series.map((__, k) => i * wide + k));
    const data = series.map((s, k) =>
      labels.flatMap((_, i) => series.map((__, other) => (other === k ? s.amounts[i] : null))),
    );
    const at = (i) => i * wide + (series.length - 1) / 2;
    return { ...drawn, xs, at, data, wide };
  };

  // Bodies of one place all begin with its name; of a day, its month and number are enough.
  const withoutCommonStart = (labels) => {
    if (labels.every((label) => /^\d{4}-\d\d-\d\d$/.test(label))) return labels.map((label) => label.slice(5));
    let same = labels.length > 1 && labels.every((label) => /\D/.test(label)) ? labels[0].length : 0;
    for (const label of labels) {
      while (same && label.slice(0, same) !== labels[0].slice(0, same)) same -= 1;
    }
    // No number is cut in two: of 2026-11-01 and 2026-12-01 the months are told whole.
    const isDigit = (letter) => /\d/.test(letter ?? "");
    while (same && isDigit(labels[0][same - 1]) && labels.some((label) => isDigit(label[same]))) same -= 1;
    return same > 2 && labels.every((label) => label.length > same + 1)
      ? labels.map((label) => label.slice(same))
      : labels;
  };

  const options = (kind, drawn, width, unit, tell) => {
    const { labels, series, at } = drawn;
    const ink = colour("soft");
    const grid = { stroke: colour("line"), width: 1 };
    const font = `12px ${colour("sans") || "sans-serif"}`;
    const room = (width - 70) / Math.max(labels.length, 1);
    const names = withoutCommonStart(labels);
    const longest = Math.min(Math.max(...names.map((name) => name.length)), LONGEST_LABEL);
    const tilted = /[^\d-]/.test(names.join("")) && longest * 13 > room;
    const every = tilted ? Math.ceil(18 / room) : Math.ceil((longest * 7 + 12) / room);
    const cutShort = (label) =>
      label.length > LONGEST_LABEL ? `${label.slice(0, 4)}…${label.slice(-4)}` : label;
    const whole = series.every((one) => one.amounts.every((amount) => Number.isInteger(amount ?? 0)));
    const margin = kind === "bar" ? (series.length - 1) / 2 + 0.6 : 0.3;
    return {
      width,
      height: Math.round(Math.min(Math.max(width * 0.42, 200), 340)) + (tilted ? 50 : 0),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: kind !== "bar" } },
      scales: {
        x: { time: false, range: () => [at(0) - margin, at(labels.length - 1) + margin] },
        y: {
          range: (_, low, high) => {
            const nice = uPlot.rangeNum(Math.min(low ?? 0, 0), Math.max(high ?? 1, 1e-9), 0.1, true);
            return [low < 0 ? nice[0] : 0, high > 0 ? nice[1] : 1];
          },
        },
      },
      axes: [
        {
          stroke: ink,
          font,
          grid: { show: false },
          ticks: grid,
          rotate: tilted ? 40 : 0,
          size: tilted ? 88 : 34,
          splits: () => labels.map((_, i) => at(i)).filter((_, i) => i % every === 0),
          values: () => names.filter((_, i) => i % every === 0).map(cutShort),
        },
        {
          stroke: ink,
          font,
          grid,
          ticks: grid,
          size: 62,
          incrs: whole ? WHOLE_STEPS : undefined,
          values: (_, ticks) => ticks.map((tick) => short.format(tick) + (unit === "%" ? "%" : "")),
        },
      ],
      series: [
        {},
        ...series.map((one) => {
          const stroke = colour(`chart-${(one.place % COLOURS) + 1}`);
          if (kind === "bar") {
            const paths = uPlot.paths.bars({ size: [0.72, 64] });
            return { stroke, fill: stroke, paths, points: { show: false } };
          }
          return { stroke, width: 2, dash: DASHES[one.older % DASHES.length], points: { show: false } };
        }),
      ],
      hooks: {
        setCursor: [(plot) => tell(plot.cursor.idx)],
        draw: [(plot) => kind !== "bar" && marks(plot, series)],
      },
    };
  };

  // The corners of a mark around its middle, in units of its size; none for a round one. Series
  // are told apart by shape as well as by colour.
  const SHAPES = [
    [],
    [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    [[0, -1.3], [1.2, 0.9], [-1.2, 0.9]],
    [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
  ];

  const marks = ({ ctx, valToPos }, series) => {
    const size = 3.5 * devicePixelRatio;
    ctx.save();
    ctx.lineWidth = 1.5 * devicePixelRatio;
    for (const one of series) {
      const ink = colour(`chart-${(one.place % COLOURS) + 1}`);
      const corners = SHAPES[one.place % SHAPES.length];
      ctx.strokeStyle = ink;
      one.amounts.forEach((amount, i) => {
        if (amount === null) return;
        const [x, y] = [valToPos(i, "x", true), valToPos(amount, "y", true)];
        ctx.fillStyle = one.faint[i] ? colour("paper") : ink;
        ctx.beginPath();
        if (corners.length) corners.forEach(([dx, dy]) => ctx.lineTo(x + dx * size, y + dy * size));
        else ctx.arc(x, y, size, 0, 7);
        ctx.closePath();
        ctx.fill();
        ctx.stroke();
      });
    }
    ctx.restore();
  };

  const sentence = (drawn, kind, unit, place) => {
    const i = kind === "bar" ? Math.floor(place / Math.max(drawn.wide, 1)) : place;
    if (place == null || !(i in drawn.labels)) return "";
    const known = drawn.series.filter((one) => one.amounts[i] !== null);
    const told = distinct(known.map((one) => one.heading)).map((heading) => {
      const amounts = known
        .filter((one) => one.heading === heading)
        .map((one) => (drawn.columns > 1 ? `${one.name} ` : "") + exact.format(one.amounts[i]) + unit);
      return (drawn.parts > 1 ? `${heading} ` : "") + amounts.join("，");
    });
    return `${drawn.labels[i]}：${told.join("；") || "无"}`;
  };

  // A line for each colour, and for each form what its line looks like.
  const legend = (drawn, kind) => {
    const list = document.createElement("ul");
    list.className = "chart-legend";
    const add = (text, look) => {
      const line = list.appendChild(document.createElement("li"));
      line.appendChild(document.createElement("span")).className = `key ${look}`;
      line.append(text);
    };
    const once = (of) => distinct(drawn.series.map(of)).map((v) => drawn.series.find((s) => of(s) === v));
    if (drawn.columns > 1 || (kind === "bar" && drawn.parts > 1)) {
      const by = drawn.columns > 1 ? "name" : "heading";
      for (const one of once((s) => s[by])) {
        const shape = kind === "bar" ? "box" : `mark${one.place % SHAPES.length}`;
        add(one[by], `${shape} k${(one.place % COLOURS) + 1}`);
      }
    }
    if (drawn.parts > 1 && kind !== "bar") {
      for (const one of once((s) => s.older)) add(one.heading, `dash${one.older % DASHES.length}`);
    }
    if (kind !== "bar" && drawn.series.some((one) => one.faint.some(Boolean))) add("n < 30", "ring");
    return list;
  };

  const prepare = (figure) => {
    const table = figure.querySelector("table");
    if (!table?.tHead) return null;
    const kind = figure.dataset.chart;
    const unit = figure.dataset.unit ?? "";
    const drawn = layOut(kind, readTable(table));
    if (!drawn.series.length) return null;
    const holder = table.closest(".scroll") ?? table;
    let below = holder;
    if (figure.dataset.table !== "open") {
      const details = document.createElement("details");
      details.appendChild(document.createElement("summary")).textContent = "数字表";
      holder.before(details);
      details.append(holder);
      below = details;
    }
    if (drawn.series.every((one) => one.amounts.every((amount) => !amount))) {
      const none = document.createElement("p");
      none.className = "told";
      none.textContent = "全部是 0，没有画图。";
      below.before(none);
      return null;
    }
    const title = figure.querySelector("figcaption")?.textContent.trim() ?? "";
    const board = document.createElement("div");
    board.className = "board";
    board.tabIndex = 0;
    board.setAttribute("role", "img");
    board.setAttribute("aria-label", `图：${title}。左右方向键逐项读数，数字见下表。`);
    const told = document.createElement("p");
    told.className = "told";
    told.setAttribute("aria-live", "polite");
    below.before(board, told);
    const key = legend(drawn, kind);
    if (key.children.length) board.before(key);
    const tell = (place) => {
      told.textContent = sentence(drawn, kind, unit, place) || "\u00a0";
    };
    tell(null);
    let plot = null;
    const draw = () => {
      const width = Math.floor(board.clientWidth);
      if (!width) return;
      plot?.destroy();
      plot = new uPlot(options(kind, drawn, width, unit, tell), [drawn.xs, ...drawn.data], board);
    };
    board.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || !plot) return;
      event.preventDefault();
      const size = kind === "bar" ? drawn.wide : 1;
      const now = plot.cursor.idx == null ? (step > 0 ? -1 : drawn.labels.length) : Math.floor(plot.cursor.idx / size);
      const next = Math.min(Math.max(now + step, 0), drawn.labels.length - 1);
      plot.setCursor({ left: plot.valToPos(drawn.at(next), "x"), top: 0 });
    });
    let seen = 0;
    new ResizeObserver(() => {
      const width = Math.floor(board.clientWidth);
      if (width !== seen) {
        seen = width;
        draw();
      }
    }).observe(board);
    return draw;
  };

  const start = () => {
    const drawings = [...document.querySelectorAll("figure.chart[data-chart]")].map(prepare);
    const again = () => drawings.forEach((draw) => draw?.());
    for (const query of ["(prefers-color-scheme: dark)", "print"]) {
      matchMedia(query).addEventListener("change", again);
    }
  };

  if (document.querySelector("figure.chart[data-chart]")) {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = `${FOLDER}uplot/uPlot.min.css`;
    const library = document.createElement("script");
    library.src = `${FOLDER}uplot/uPlot.iife.min.js`;
    library.addEventListener("load", start);
    document.head.append(sheet, library);
  }
})();
