// SPDX-License-Identifier: Apache-2.0
// Makes of web/src the table of files that the program serves (src/web/web.h).
//
//   node build.mjs FACTS NPM TABLE DEPFILE MODE
//
// Packages are those of the lock file; npm installs them beside TABLE, and only when the lock file is another than the
// last time. Names of what is bundled have a hash in them, each file is packed as gzip and brotli, and all of it is
// written as one C table. MODE enabled: whatever goes wrong fails the build; auto: when npm cannot install, the table is
// empty, a warning says why, and the next build tries again (DEPFILE names a file that is not there).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const [facts, npm, table, depfile, mode] = process.argv.slice(2);
const home = join(dirname(resolve(table)), 'dashboard');
const modules = join(home, 'node_modules');
const stamp = join(modules, '.installed');
const LONGEST_INSTALL_MS = 180_000;

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain' };
const text = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

// ---- packages -----------------------------------------------------------------------------------------------------

function install() {
  const wanted = text(join(here, 'package.json')) + text(join(here, 'package-lock.json'));
  if (text(stamp) === wanted) {
    return;
  }
  mkdirSync(home, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) {
    writeFileSync(join(home, name), text(join(here, name)));
  }
  execFileSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: home,
    timeout: LONGEST_INSTALL_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  writeFileSync(stamp, wanted);
}

// Those whose code is in the bundle ask that their licence goes along.
function licences() {
  const { dependencies } = JSON.parse(text(join(here, 'package.json')));
  return Object.keys(dependencies)
    .map((name) => {
      const file = readdirSync(join(modules, name)).find((entry) => /^licen[cs]e/i.test(entry));
      return `${name} ${dependencies[name]}\n\n${text(join(modules, name, file)).trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

// ---- files --------------------------------------------------------------------------------------------------------

async function bundle() {
  const { build } = createRequire(join(home, 'package.json'))('esbuild');
  const result = await build({
    absWorkingDir: here,
    entryPoints: ['src/main.tsx'],
    outdir: '/',
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.svg': 'file' },
    publicPath: '/assets',
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2021',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    alias: { facts: resolve(facts) },
    nodePaths: [modules],
    legalComments: 'none',
    logLevel: 'warning',
  });
  const files = result.outputFiles.map((file) => ({
    name: file.path.slice(1),
    bytes: Buffer.from(file.contents),
    fixed: true,
  }));
  return { files, inputs: Object.keys(result.metafile.inputs).map((path) => resolve(here, path)) };
}

function page(files) {
  const named = (ending) => `/assets/${files.find((file) => file.name.endsWith(ending)).name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Stepwell</title>
<link rel="icon" href="${named('.svg')}">
<link rel="stylesheet" href="${named('.css')}">
<script type="module" src="${named('.js')}"></script>
</head>
<body>
<div id="app"></div>
<noscript>The dashboard needs JavaScript; the API at /openapi.json does not.</noscript>
</body>
</html>
`;
}

// ---- the table ----------------------------------------------------------------------------------------------------

const PER_LINE = 32;
function array(name, bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    lines.push(`${[...bytes.subarray(at, at + PER_LINE)].join(',')},`);
  }
  return `static const unsigned char ${name}[] = {\n${lines.join('\n')}\n};\n`;
}

const pack = {
  plain: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes, { level: 9 }),
  brotli: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
};

function cTable(files) {
  const arrays = [];
  const rows = files.map(({ name, bytes, fixed }, i) => {
    const forms = Object.keys(pack).map((form) => {
      arrays.push(array(`${form}_${i}`, pack[form](bytes)));
      return `.${form} = {(const char *)${form}_${i}, sizeof ${form}_${i}}`;
    });
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    const type = `${TYPES[extname(name)]}; charset=utf-8`;
    return `    {.name = "${name}", .type = "${type}", .hash = "${hash}", .fixed = ${Boolean(fixed)}, ${forms.join(', ')}},\n`;
  });
  return `/* Made by web/build.mjs. */\n#include "web/web.h"\n\n${arrays.join('')}\nconst sw_web_file sw__web_files[] = {\n${rows.join('')}    {.name = NULL}};\n`;
}

function write(files, inputs) {
  writeFileSync(table, cTable(files));
  const needs = [...inputs, ...['package.json', 'package-lock.json'].map((name) => join(here, name))];
  writeFileSync(depfile, `${table}: ${needs.map((path) => path.replaceAll(' ', '\\ ')).join(' ')}\n`);
}

// ---- all of it ----------------------------------------------------------------------------------------------------

try {
  install();
} catch (error) {
  const said = `${error.stderr ?? ''}\n${error.message}`.split('\n').map((line) => line.trim());
  const why = said.find((line) => line && !/warn/i.test(line));
  process.stderr.write(`the dashboard is left out: npm cannot install what it is built with (${why}); the next build tries again\n`);
  if (mode === 'enabled') {
    process.exit(1);
  }
  write([], [stamp]);
  process.exit(0);
}
const { files, inputs } = await bundle();
files.push({ name: 'index.html', bytes: Buffer.from(page(files)) });
files.push({ name: 'licences.txt', bytes: Buffer.from(licences()) });
write(files, inputs.filter((path) => !path.startsWith(home)));
