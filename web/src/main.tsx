// SPDX-License-Identifier: Apache-2.0
// Where the dashboard begins.
import { render } from 'preact';
import { App } from './app';
import { startKeys } from './keys';
import { findSession, LetIn } from './session';
import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';
import './styles/content.css';
import './styles/overview.css';
import './styles/settings.css';
import './styles/steps.css';
import './styles/step.css';
import './styles/run.css';
import { startTheme } from './theme';

startTheme();
startKeys();
void findSession(); // the answer is on its way while the page is begun
render(<LetIn>{(who) => <App key={who.key_id ?? 'open'} />}</LetIn>, document.getElementById('app')!);
