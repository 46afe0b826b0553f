// SPDX-License-Identifier: Apache-2.0
// What the bundler makes of files that are no modules: a picture is its address, a style sheet is loaded.
declare module '*.svg' {
  const address: string;
  export default address;
}
declare module '*.css';
