// SPDX-License-Identifier: Apache-2.0
// The frame around every page: navigation, theme, palette, help, notes. Knows pages only as rows of their table.
import { Component, type ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import icon from './icon.svg';
import { groups, useKeys, type Binding } from './keys';
import { Palette, useCommands } from './palette';
import { find, home, pages, type PageRow } from './pages';
import { go, useRoute } from './route';
import { asError } from './api';
import { endSession, useSession } from './session';
import { useStore } from './store';
import { nextTheme, theme } from './theme';
import { toast, Toasts } from './toast';
import { Dialog, Empty, ErrorBox, Icon, Link, type IconName } from './ui';

// A page that fails to draw says so, instead of leaving nothing; another address draws anew.
class Guard extends Component<{ children: ComponentChildren; where: string }, { error: Error | null; where: string }> {
  override state = { error: null, where: this.props.where };

  static override getDerivedStateFromError = (error: Error) => ({ error });
  static override getDerivedStateFromProps = (props: { where: string }, state: { where: string }) =>
    props.where === state.where ? null : { error: null, where: props.where };

  override render() {
    const error: Error | null = this.state.error;
    return error ? <ErrorBox title="This page could not be drawn" error={error} retry={() => this.setState({ error: null })} /> : this.props.children;
  }
}

function Help({ onClose }: { onClose(): void }) {
  const shown = useStore(groups)
    .map((group) => ({ ...group, bindings: group.bindings.filter((one) => !one.hidden) }))
    .filter((group) => group.bindings.length > 0 && group.title !== 'Keyboard');
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <div class="help">
        {shown.map((group, i) => (
          <section key={i}>
            <h3>{group.title}</h3>
            <dl>
              {group.bindings.map((one) => (
                <div key={one.keys}>
                  <dt>
                    {one.keys.split(' ').map((key) => (
                      <kbd key={key}>{key.replace('Mod+', /Mac/.test(navigator.platform) ? '⌘' : 'Ctrl ')}</kbd>
                    ))}
                  </dt>
                  <dd>{one.doc}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <footer>
        <a href="/openapi.json">API description</a>
        <a href="/assets/licences.txt">Licences</a>
      </footer>
    </Dialog>
  );
}

const THEMES: Record<string, [IconName, string]> = {
  system: ['screen', 'Theme: as the system'],
  light: ['sun', 'Theme: light'],
  dark: ['moon', 'Theme: dark'],
};

function ThemeSwitch() {
  const word = useStore(theme);
  const [icon, label] = THEMES[word]!;
  return (
    <button class="icon" aria-label={label} title={label} onClick={() => theme.set(nextTheme[word])}>
      <Icon name={icon} />
    </button>
  );
}

// Whose records these are, and the way out for who came in by a key.
function Who() {
  const who = useSession();
  const leave = () => endSession().catch((error) => toast(asError(error).message, { bad: true }));
  if (!who) {
    return null;
  }
  const name = who.user_name ?? (who.open ? 'open to this machine' : who.scopes.join(', '));
  return (
    <div class="who">
      <div title={who.organization_id}>
        <bdi>{who.organization_name ?? who.organization_id}</bdi>
        <small class="faint">
          <bdi>{name}</bdi>
        </small>
      </div>
      {!who.open && (
        <button class="icon" aria-label="Sign out" title="Sign out" onClick={() => void leave()}>
          <Icon name="out" />
        </button>
      )}
    </div>
  );
}

function Nav({ current, open, onPalette, onHelp }: { current: PageRow | undefined; open: boolean; onPalette(): void; onHelp(): void }) {
  // A page without a key of its own (one step) belongs to the one whose path its own begins with.
  const under = (page: PageRow) => current && (current.path === page.path || current.path.startsWith(`${page.path}/`));
  return (
    <nav id="nav" class={`nav ${open ? 'open' : ''}`} aria-label="Pages">
      <ul>
        {pages.filter((page) => page.key).map((page) => (
          <li key={page.name}>
            <Link to={page.path} aria-current={under(page) ? 'page' : undefined} title={page.doc}>
              {page.title}
              <kbd aria-hidden="true">g {page.key}</kbd>
            </Link>
          </li>
        ))}
      </ul>
      <Who />
      <div class="tools">
        <button class="icon" aria-label="Command palette" title="Command palette (Ctrl K)" onClick={onPalette}>
          <Icon name="search" />
        </button>
        <ThemeSwitch />
        <button class="icon" aria-label="Keyboard and help" title="Keyboard and help (?)" onClick={onHelp}>
          <Icon name="keyboard" />
        </button>
      </div>
    </nav>
  );
}

export function App() {
  const { path } = useRoute();
  const [shown, setShown] = useState<'palette' | 'help' | null>(null);
  const [menu, setMenu] = useState(false);
  const main = useRef<HTMLElement>(null);
  const found = find(path);
  const close = () => setShown(null);

  useEffect(() => {
    if (path === '/') {
      go(home.path + location.search, true);
    }
    setMenu(false);
    document.title = found ? `${found.page.title} · Stepwell` : 'Stepwell';
  }, [path]);

  useKeys('Everywhere', [
    { keys: '?', doc: 'This help', run: () => setShown('help') },
    { keys: 'Mod+k', doc: 'Command palette', run: () => setShown('palette') },
  ]);
  useKeys('Go to', pages.filter((page) => page.key).map((page): Binding => ({ keys: `g ${page.key}`, doc: page.title, run: () => go(page.path) })));
  useCommands([
    { title: 'Keyboard and help', hint: '?', run: () => setShown('help') },
    ...(['light', 'dark', 'system'] as const).map((word) => ({ title: `Theme: ${word}`, run: () => theme.set(word) })),
  ]);

  const View = found?.page.view;
  return (
    <div class="app">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the page
      </a>
      <div class="side">
        <div class="brand">
          <Link to={home.path}>
            <img src={icon} alt="" width="18" height="18" /> Stepwell
          </Link>
          <button class="icon menu" aria-label="Menu" aria-expanded={menu} aria-controls="nav" onClick={() => setMenu(!menu)}>
            <Icon name={menu ? 'cross' : 'menu'} />
          </button>
        </div>
        <Nav current={found?.page} open={menu} onPalette={() => setShown('palette')} onHelp={() => setShown('help')} />
      </div>
      <main id="main" ref={main} tabIndex={-1}>
        <Guard where={path}>
          {found && View ? (
            <View key={found.page.name} params={found.params} />
          ) : path === '/' ? null : (
            <Empty title="There is no page at this address">
              <Link to={home.path}>Go to {home.title}</Link>
            </Empty>
          )}
        </Guard>
      </main>
      {shown === 'palette' && <Palette onClose={close} />}
      {shown === 'help' && <Help onClose={close} />}
      <Toasts />
    </div>
  );
}
