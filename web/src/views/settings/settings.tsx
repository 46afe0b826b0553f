// SPDX-License-Identifier: Apache-2.0
// Settings: its parts, each an address of its own. What a key may not see or do, the server says, and the part repeats.
import type { ComponentType } from 'preact';
import { useCommands } from '../../palette';
import type { PageProps } from '../../pages';
import { go } from '../../route';
import { Empty, Head, Link } from '../../ui';
import { Keys } from './keys';
import { Organizations } from './organizations';
import { Prices } from './prices';
import { Projects } from './projects';
import { Retention, Store } from './store';
import { Users } from './users';
import { Webhooks } from './webhooks';

const PARTS: [string, string, ComponentType][] = [
  ['projects', 'Projects', Projects],
  ['keys', 'Keys', Keys],
  ['webhooks', 'Webhooks', Webhooks],
  ['prices', 'Prices', Prices],
  ['organizations', 'Organizations', Organizations],
  ['users', 'Users', Users],
  ['retention', 'Retention', Retention],
  ['store', 'Store health', Store],
];

export function Settings({ params }: PageProps) {
  const name = params.part ?? PARTS[0]![0];
  const found = PARTS.find(([one]) => one === name);
  useCommands(PARTS.map(([part, title]) => ({ title: `Settings: ${title}`, run: () => go(`/settings/${part}`) })));
  const View = found?.[2];
  return (
    <section class="page settings">
      <Head title="Settings" />
      <nav class="tabs" aria-label="Settings">
        {PARTS.map(([part, title]) => (
          <Link key={part} to={`/settings/${part}`} aria-current={part === name ? 'page' : undefined}>
            {title}
          </Link>
        ))}
      </nav>
      {View ? <View key={name} /> : <Empty title="There is no such part of the settings" />}
    </section>
  );
}
