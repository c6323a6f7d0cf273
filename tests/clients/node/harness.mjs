// What the Node programs share: checks that print a line each.
import assert from 'node:assert/strict';

const checks = [];
let failed = 0;

export { assert };
export const check = (name, body) => checks.push([name, body]);

export async function run(...args) {
  for (const [name, body] of checks) {
    try {
      await body(...args);
      console.log(`ok - ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`NOT OK - ${name}: ${error.stack}`);
    }
  }
  return failed ? 1 : 0;
}

export const tls = process.env.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
