// SPDX-License-Identifier: Apache-2.0
// The pages: the rows of model/pages.def, each with what draws it. A row without a component does not compile.
import type { ComponentType } from 'preact';
import { pageRows } from 'facts';
import { match } from './route';
import { Run } from './views/run';
import { Runs } from './views/runs';
import { Step } from './views/step';
import { Agent, Conversation } from './views/overview/one';
import { Agents, Conversations, Models, Providers } from './views/overview/entities';
import { Overview } from './views/overview/overview';
import { Settings } from './views/settings/settings';
import { Steps } from './views/steps';

export interface PageProps {
  params: Record<string, string>; // the {parts} of the path
}

const views: Record<(typeof pageRows)[number]['name'], ComponentType<PageProps>> = {
  steps: Steps,
  step: Step,
  runs: Runs,
  run: Run,
  overview: Overview,
  conversations: Conversations,
  conversation: Conversation,
  agents: Agents,
  agent: Agent,
  models: Models,
  providers: Providers,
  settings: Settings,
  settings_part: Settings,
};

export interface PageRow {
  name: string;
  path: string;
  title: string;
  key: string;
  doc: string;
  view: ComponentType<PageProps>;
}

export const pages: PageRow[] = pageRows.map((row) => ({ ...row, view: views[row.name] }));
export const home = pages[0]!;

export function find(path: string): { page: PageRow; params: Record<string, string> } | null {
  for (const page of pages) {
    const params = match(page.path, path);
    if (params) {
      return { page, params };
    }
  }
  return null;
}
