// SPDX-License-Identifier: Apache-2.0
// What a ledger without steps says: three ways to get the first one in, ready to be copied.
import { CopyButton, Empty } from './ui';

const here = location.origin;
const SNIPPETS: [string, string, string][] = [
  ['A program with OpenTelemetry', 'Point its exporter here; nothing else changes.', `export OTEL_EXPORTER_OTLP_ENDPOINT=${here}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`],
  [
    'Any program, over HTTP',
    'The answer means that the step is on disk.',
    `curl ${here}/v1/steps/ -H 'Content-Type: application/json' -d '{\n  "model": "gpt-4o", "status": "success", "prompt_tokens": 1200, "completion_tokens": 85, "tags": ["first"]}'`,
  ],
  ['Coding agents on this machine', 'Sessions of Claude Code, Codex, Gemini CLI, opencode and others that were written already.', 'stepwell import --store sqlite:my.db   # the ledger that this server was started with'],
];

export const FirstSteps = () => (
  <Empty title="No step has been recorded yet">
    <p class="soft">A step is one model call with the tool work it led to. Three ways to get the first one in:</p>
    {SNIPPETS.map(([title, doc, text]) => (
      <section class="snippet" key={title}>
        <h3>{title}</h3>
        <p class="faint">{doc}</p>
        <div class="code">
          <pre tabIndex={0}>{text}</pre>
          <CopyButton text={text} label={`Copy: ${title}`} />
        </div>
      </section>
    ))}
  </Empty>
);
