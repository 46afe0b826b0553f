// SPDX-License-Identifier: Apache-2.0
// What a step used and what that cost, bucket by bucket; and when what happened, to scale.
import type { Price, Step, StepMetrics } from 'facts';
import type { Said } from '../../content/talk';
import { partsOf } from '../../content/talk';
import * as format from '../../format';
import { BUCKETS, bucketsOf, TokenBar } from '../../ui';

// ---- tokens and the price -------------------------------------------------------------------------------------------

export type StepPrice = Omit<Price, 'organization_id'> & { organization_id: string | null };

// The price of a million tokens of each bucket, in the order of BUCKETS.
const rates = (price: StepPrice) => [price.input_nano_usd, price.cache_read_nano_usd ?? price.input_nano_usd, price.cache_write_5m_nano_usd ?? price.input_nano_usd, price.output_nano_usd, price.output_nano_usd];

function Sum({ step, price, sum }: { step: Step; price: StepPrice | null | undefined; sum: number | null }) {
  if (step.cost_nano_usd === null) {
    return <p class="soft small">What it cost is not known{step.usage_state === 'reported' ? ': its model has no price.' : ': its usage was not reported in full.'}</p>;
  }
  if (step.cost_source === 'caller') {
    return <p class="soft small">The cost was told by whoever recorded the step.</p>;
  }
  // Rounded to a tenth of a percent: rows are rounded, the cost once.
  const far = sum !== null && Math.abs(sum - step.cost_nano_usd) > Math.max(2, step.cost_nano_usd / 1000);
  return price ? (
    <p class="soft small">
      Price <code>{price.id}</code>
      {price.organization_id ? ', set by the organization' : ', a list price'}
      {price.effective_from ? `, from ${format.day(new Date(price.effective_from))}` : ''}
      {step.service_tier ? `, tier ${format.line(step.service_tier, 40)}` : ''}.
      {far ? ' Tokens with a price of their own (audio, caches of an hour, batches) or a price that changed since make up the difference.' : ''}
    </p>
  ) : price === null && step.price_id ? (
    <p class="soft small">
      Computed from the price <code>{step.price_id}</code>, which is not there any more.
    </p>
  ) : null;
}

export function Tokens({ step, price }: { step: Step; price: StepPrice | null | undefined }) {
  const parts = bucketsOf(step);
  const reported = [true, step.cached_input_tokens !== null, step.cache_write_tokens !== null, true, step.reasoning_tokens !== null];
  const unknown = step.usage_state === 'unknown' && step.total_tokens === 0;
  const per = price ? rates(price) : null;
  const costs = parts.map((n, i) => (per && per[i] !== null && per[i] !== undefined ? (n * per[i]!) / 1e6 : null));
  const sum = per ? costs.reduce<number>((all, one) => all + (one ?? 0), 0) : null;
  return (
    <section class="card" aria-label="Tokens and cost">
      <header>
        <h2>Tokens and cost</h2>
        <strong class="num">{format.money(step.cost_nano_usd)}</strong>
      </header>
      <div class="body">
        {!unknown && <TokenBar step={step} />}
        <div class="table-scroll">
          <table class="compact">
            <thead>
              <tr>
                <th>Bucket</th>
                <th class="n">Tokens</th>
                <th class="n">per million</th>
                <th class="n">Cost</th>
              </tr>
            </thead>
            <tbody>
              {BUCKETS.map(([name, title], i) => (
                <tr key={name}>
                  <td>
                    <span class={`swatch ${name}`} aria-hidden="true" /> {title}
                  </td>
                  <td class="n">{unknown || !reported[i] ? <span class="faint" title="not reported">{format.NOTHING}</span> : format.count(parts[i])}</td>
                  <td class="n soft">{per ? format.money(per[i]) : format.NOTHING}</td>
                  <td class="n">{reported[i] && !unknown ? format.money(costs[i] === null ? null : Math.round(costs[i]!)) : format.NOTHING}</td>
                </tr>
              ))}
              <tr class="sum">
                <td>Total</td>
                <td class="n">{unknown ? format.NOTHING : format.count(step.total_tokens)}</td>
                <td />
                <td class="n" title={step.cost_nano_usd === null ? undefined : `${step.cost_nano_usd} nano-dollars`}>
                  {format.money(step.cost_nano_usd)}
                </td>
              </tr>
            </tbody>
          </table>
        </div>
        {step.usage_state !== 'reported' && <p class="soft small">Usage {step.usage_state}: {step.usage_state === 'unknown' ? 'nothing was reported; a 0 is not a count.' : step.usage_state === 'partial' ? 'some counts were reported.' : 'the parts that were reported do not add up.'}</p>}
        <Sum step={step} price={price} sum={sum} />
      </div>
    </section>
  );
}

// ---- time -----------------------------------------------------------------------------------------------------------

interface Segment {
  name: string;
  class: string;
  from: number; // nanoseconds since the step began
  ns: number;
}

export function segmentsOf(metrics: StepMetrics): Segment[] {
  const begun = metrics.step_start_ns ?? metrics.llm_request_start_ns;
  const model = metrics.llm_request_start_ns !== null && begun !== null ? Math.max(0, metrics.llm_request_start_ns - begun) : 0;
  const out: Segment[] = [];
  if (model > 0) {
    out.push({ name: 'before the model', class: 't-wait', from: 0, ns: model });
  }
  if (metrics.llm_request_ns !== null) {
    out.push({ name: 'model', class: 't-model', from: model, ns: metrics.llm_request_ns });
  }
  const after = model + (metrics.llm_request_ns ?? 0);
  if (metrics.tool_execution_ns !== null) {
    out.push({ name: 'tools', class: 't-tool', from: after, ns: metrics.tool_execution_ns });
  }
  const rest = (metrics.step_ns ?? 0) - after - (metrics.tool_execution_ns ?? 0);
  // Less than a thousandth is rounding.
  if (rest > (metrics.step_ns ?? 0) / 1000) {
    out.push({ name: 'rest', class: 't-wait', from: after + (metrics.tool_execution_ns ?? 0), ns: rest });
  }
  return out.filter((one) => one.ns > 0);
}

const MOST_TOOLS = 20;

export function Timing({ metrics, messages, estimated }: { metrics: StepMetrics | null | undefined; messages: Said[]; estimated: boolean }) {
  if (!metrics) {
    return metrics === null ? (
      <section class="card" aria-label="Timing">
        <header>
          <h2>Timing</h2>
        </header>
        <div class="body soft">How long it took was not recorded.</div>
      </section>
    ) : null;
  }
  const segments = segmentsOf(metrics);
  const whole = Math.max(metrics.step_ns ?? 0, ...segments.map((one) => one.from + one.ns));
  const at = (ns: number) => `${(100 * ns) / Math.max(1, whole)}%`;
  const model = segments.find((one) => one.name === 'model');
  const first = metrics.ttft_ns !== null && model ? model.from + metrics.ttft_ns : null;
  const tools = messages.flatMap((said) => partsOf(said)).flatMap((part) => (part.kind === 'return' && part.tookMs !== null ? [part] : []));
  return (
    <section class="card" aria-label="Timing">
      <header>
        <h2>Timing</h2>
        <strong class="num">{format.duration(metrics.step_ns)}</strong>
      </header>
      <div class="body">
        {whole > 0 && (
          <>
            <div class="time-bar" role="img" aria-label={segments.map((one) => `${one.name} ${format.duration(one.ns)}`).join(', ')}>
              {segments.map((one) => (
                <span key={one.name} class={one.class} style={{ left: at(one.from), width: at(one.ns) }} title={`${one.name}: ${format.duration(one.ns)}`} />
              ))}
              {first !== null && <span class="t-first" style={{ left: at(first) }} title={`first token after ${format.duration(metrics.ttft_ns)}`} />}
            </div>
            <div class="time-axis" aria-hidden="true">
              {[0, 0.25, 0.5, 0.75, 1].map((part) => (
                <span key={part}>{format.duration(Math.round(whole * part))}</span>
              ))}
            </div>
          </>
        )}
        <dl class="facts">
          {segments.map((one) => (
            <div key={one.name}>
              <dt>
                <span class={`swatch ${one.class}`} aria-hidden="true" /> {one.name}
              </dt>
              <dd class="num">{format.duration(one.ns)}</dd>
            </div>
          ))}
          {metrics.ttft_ns !== null && (
            <div>
              <dt>
                <span class="swatch t-first" aria-hidden="true" /> first token
              </dt>
              <dd class="num">{format.duration(metrics.ttft_ns)}</dd>
            </div>
          )}
          {tools.slice(0, MOST_TOOLS).map((tool, i) => (
            <div key={i}>
              <dt class="indent">
                <bdi>{format.line(tool.name ?? 'tool', 60)}</bdi>
              </dt>
              <dd class="num">{format.duration(tool.tookMs! * 1e6)}</dd>
            </div>
          ))}
        </dl>
        {estimated && <p class="faint small">Estimated from the times of its messages.</p>}
      </div>
    </section>
  );
}
