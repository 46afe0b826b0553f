// SPDX-License-Identifier: Apache-2.0
// A chart over time: uPlot, in the colours of the style sheet. Dragging across it asks for that range. What it shows is
// told in words too, for who does not see it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useLatest } from './api';
import * as format from './format';
import { useStore } from './store';
import { shade } from './theme';

export interface Series {
  label: string;
  values: (number | null)[];
  color: string; // the name of a variable: "--accent"
  bars?: boolean; // else a line
}

export interface ChartProps {
  label: string; // what is drawn, for screen readers and the title
  times: number[]; // seconds since 1970, rising; of bars the beginning of each
  series: Series[];
  value?(n: number | null): string;
  ticks?: number[]; // how far apart the lines behind it may be; one of the program's, which stays the same
  when?: ((seconds: number) => string) | undefined; // the name of a moment
  height?: number;
  axes?: boolean;
  together?: string; // charts of the same name show the same moment
  step?: number; // seconds from one time to the next, when it is known
  utc?: boolean; // the axis writes times of UTC, else of the zone of this machine
  onZoom?(from: number, to: number): void; // seconds
  onHover?(index: number | null): void;
  stacked?: boolean; // each series stands on the one before
}

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const font = () => `11px ${css('--sans') || 'sans-serif'}`;

// Each on top of those before it, so that the last is drawn first.
function stack(series: Series[]): (number | null)[][] {
  const sums: number[] = [];
  return series.map(({ values }) =>
    values.map((value, i) => {
      sums[i] = (sums[i] ?? 0) + (value ?? 0);
      return value === null && sums[i] === 0 ? null : sums[i]!;
    }),
  );
}

const AXIS_PX = 52; // the least, so that most charts begin in one line

// As wide as the longest of its words, in the font that they will be drawn with.
function widthOf(u: uPlot, words: string[] | null, index: number): number {
  const longest = (words ?? []).reduce((a, b) => (b.length > a.length ? b : a), '');
  u.ctx.font = (u.axes[index]!.font as unknown as string[])[0]!;
  return Math.max(AXIS_PX, Math.ceil(u.ctx.measureText(longest).width / devicePixelRatio) + 10);
}

function axis(value: (n: number | null) => string, time: boolean, ticks?: number[]): uPlot.Axis {
  return {
    stroke: css('--faint'),
    font: font(),
    grid: { stroke: css('--line'), width: 1, show: !time },
    ticks: { show: false },
    size: time ? 22 : widthOf,
    space: time ? 70 : 26,
    ...(time ? {} : { values: (_: uPlot, at: number[]) => at.map((tick) => value(tick)) }),
    ...(ticks ? { incrs: ticks } : {}),
  };
}

function options(props: ChartProps, width: number, on: { zoom(u: uPlot): void; hover(u: uPlot): void }): uPlot.Options {
  const value = props.value ?? ((n) => format.short(n));
  const gap = props.step ?? 0;
  const drawn = props.stacked ? [...props.series].reverse() : props.series;
  return {
    width,
    height: props.height ?? 80,
    legend: { show: false },
    ...(props.utc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
    padding: props.axes ? [8, 20, 0, 0] : [4, 0, 2, 0],
    cursor: {
      y: false,
      points: { size: 5 },
      // What goes on for a while is pointed at until it ends, not until the next one is nearer.
      ...(gap ? { dataIdx: (u: uPlot, _: number, nearest: number, at: number) => Math.max(0, nearest - Number(u.data[0][nearest]! > at)) } : {}),
      drag: { x: Boolean(props.onZoom), y: false, setScale: false },
      ...(props.together ? { sync: { key: props.together, setSeries: false } } : {}),
    },
    scales: {
      x: { time: true, range: (_, min, max) => [min, Math.max(max + gap, min + (gap || 1))] },
      y: { range: (_, min, max) => [Math.min(0, min ?? 0), (max ?? 0) > 0 ? max * 1.05 : 1] },
    },
    axes: props.axes ? [axis(value, true), axis(value, false, props.ticks)] : [{ show: false }, { show: false }],
    series: [
      {},
      ...drawn.map((one): uPlot.Series => {
        const color = css(one.color);
        return one.bars
          ? { label: one.label, fill: color, stroke: color, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.82, 60], align: gap ? 1 : 0 }) }
          : { label: one.label, stroke: color, width: 1.5, points: { show: one.values.filter((n) => n !== null).length < 3, size: 4, fill: color }, spanGaps: true };
      }),
    ],
    hooks: { setSelect: [on.zoom], setCursor: [on.hover] },
  };
}

function told({ label, times, series, value = format.short }: ChartProps): string {
  const one = ({ label: name, values }: Series) => {
    const known = values.filter((n): n is number => n !== null);
    const most = known.length > 0 ? Math.max(...known) : null;
    return `${name}: at most ${value(most)}`;
  };
  return times.length === 0 ? `${label}: nothing to show` : `${label}, ${times.length} points. ${series.map(one).join('; ')}`;
}

export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const theme = useStore(shade);
  const value = props.value ?? format.short;

  const zoom = useLatest((u: uPlot) => {
    const { left, width } = u.select;
    if (width > 2 && props.onZoom) {
      const from = u.posToVal(left, 'x');
      const to = u.posToVal(left + width, 'x');
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      props.onZoom(Math.floor(from), Math.ceil(to));
    }
  });
  const hover = useLatest((u: uPlot) => {
    const i = (u.cursor.left ?? -1) < 0 ? null : (u.cursor.idxs?.[0] ?? null);
    const at = tip.current;
    if (!at) {
      return; // it has left the page: the plot says once more where the pointer is not
    }
    props.onHover?.(i);
    at.hidden = i === null || props.times[i] === undefined;
    if (!at.hidden && i !== null) {
      const when = props.when?.(props.times[i]!) ?? format.timeShort(new Date(props.times[i]! * 1000));
      at.textContent = [when, ...props.series.map(({ label, values }) => `${label} ${value(values[i] ?? null)}`)].join(' · ');
      const half = at.offsetWidth / 2;
      at.style.left = `${Math.min(Math.max(u.cursor.left! + u.over.offsetLeft, half), box.current!.clientWidth - half)}px`;
    }
  });

  useEffect(() => {
    const at = box.current!;
    const drawn = props.stacked ? stack(props.series).reverse() : props.series.map(({ values }) => values);
    const plot = new uPlot(options(props, at.clientWidth || 300, { zoom, hover }), [props.times, ...drawn], at);
    const sizes = new ResizeObserver(() => {
      const width = at.clientWidth;
      if (width > 0 && width !== plot.width) {
        plot.setSize({ width, height: props.height ?? 80 });
      }
    });
    sizes.observe(at);
    return () => {
      sizes.disconnect();
      plot.destroy();
    };
  }, [theme, props.times, JSON.stringify(props.series), props.height, props.axes, props.stacked, props.together, props.step, props.utc]);

  return (
    <div class={`chart ${props.onZoom ? 'zooms' : ''}`} role="img" aria-label={told(props)}>
      <div class="plot" ref={box} />
      <div class="chart-tip" ref={tip} hidden />
    </div>
  );
}
