// TAP for a handful of browser cases: each runs even when one before it failed, and after() follows each.
export async function run(cases, after) {
  let failed = 0;
  console.log(`1..${cases.length}`);
  for (const [index, [name, body]] of cases.entries()) {
    try {
      await body();
      console.log(`ok ${index + 1} - ${name}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${index + 1} - ${name}`);
      for (const line of String(error.stack ?? error).split("\n")) console.log(`# ${line}`);
    }
    await after();
  }
  return failed;
}
