// SPDX-License-Identifier: Apache-2.0
// Light or dark: as the system has it, unless somebody chose. Colours themselves are variables of styles/base.css; whoever
// draws with them (charts) looks at `shade`, which changes when they do.
import { makeStore } from './store';

export type Theme = 'system' | 'light' | 'dark';
const KEPT = 'stepwell-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

function kept(): Theme {
  try {
    const word = localStorage.getItem(KEPT);
    return word === 'light' || word === 'dark' ? word : 'system';
  } catch {
    return 'system';
  }
}

export const theme = makeStore<Theme>(kept());
export const shade = makeStore<'light' | 'dark'>('light');

function apply(): void {
  const wanted = theme.get();
  const next = wanted === 'system' ? (dark.matches ? 'dark' : 'light') : wanted;
  document.documentElement.dataset.theme = next;
  shade.set(next);
}

export function startTheme(): void {
  apply();
  dark.addEventListener('change', apply);
  theme.subscribe((word) => {
    try {
      localStorage.setItem(KEPT, word);
    } catch {
      // A browser that keeps nothing still shows what was chosen.
    }
    apply();
  });
}

export const nextTheme: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
