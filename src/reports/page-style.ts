import { chartStyles, PALETTE } from '../charts/index.js';

/** The page's own colours, beside those of the charts. */
const PAGE = {
  light: { page: '#f3f5f8', line: '#dfe4ea', sunken: '#f6f8fa', good: '#00734f', bad: '#b54708', code: '#eef1f5' },
  dark: { page: '#0c1117', line: '#28313d', sunken: '#10161d', good: '#3fd0a0', bad: '#f7a05f', code: '#1d2530' },
} as const;

function variables(mode: 'light' | 'dark'): string {
  const { ink, muted, background, blue, orange } = PALETTE[mode];
  const own = Object.entries(PAGE[mode]).map(([name, color]) => `--${name}:${color}`);
  return `--ink:${ink};--muted:${muted};--card:${background};--model:${blue};--baseline:${orange};${own.join(';')}`;
}

/** The style sheet of report pages: one column on a phone, cards side by side on a desktop, light and dark, and print. */
export function pageStyles(): string {
  return `:root{color-scheme:light dark;${variables('light')}}
@media (prefers-color-scheme:dark){:root{${variables('dark')}}}
:root[data-theme=light]{color-scheme:light;${variables('light')}}
:root[data-theme=dark]{color-scheme:dark;${variables('dark')}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1040px;margin:0 auto;padding:28px 24px 64px}
h1{font-size:30px;line-height:1.2;margin:6px 0 8px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:20px;line-height:1.3;margin:44px 0 4px;letter-spacing:-.005em;scroll-margin-top:16px}
h3{font-size:15px;line-height:1.4;margin:0 0 8px}
p{margin:0 0 12px}
a{color:inherit}
.lead{color:var(--muted);margin-bottom:16px;max-width:72ch}
.brand{display:flex;align-items:center;gap:8px;color:var(--muted);font-size:14px;font-weight:600}
.brand i{width:18px;height:18px;border-radius:5px;background:linear-gradient(0deg,var(--model) 0 45%,var(--baseline) 45% 60%,transparent 60%);border:1.5px solid var(--muted)}
.facts{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0;color:var(--muted);font-size:14px}
.facts div{display:flex;gap:6px;min-width:0}
.facts dt{font-weight:400}
.facts dd{margin:0;color:var(--ink);overflow-wrap:anywhere}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;min-width:0}
.verdict{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,400px);gap:12px 28px;align-items:center;margin:22px 0 16px;border-left:5px solid var(--tone);padding:20px 22px}
.verdict .claim{font-size:21px;line-height:1.35;font-weight:600;letter-spacing:-.005em;margin:8px 0 10px;text-wrap:pretty}
.verdict p:last-child{margin:0;color:var(--muted)}
.badge{display:inline-block;font-size:13px;font-weight:600;line-height:1;padding:6px 10px;border-radius:99px;color:var(--tone);border:1px solid var(--tone)}
.helped{--tone:var(--good)}.hurt{--tone:var(--bad)}.open{--tone:var(--muted)}
.tiles{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:14px}
.tile{display:flex;flex-direction:column;gap:4px}
.tile h3{font-size:13px;font-weight:600;color:var(--muted);margin:0}
.tile .figure{font-size:24px;line-height:1.25;font-weight:650;letter-spacing:-.01em;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tile .before{color:var(--muted);font-weight:400;font-size:18px;white-space:nowrap}
.tile p{margin:0;font-size:13px;line-height:1.45;color:var(--muted);overflow-wrap:anywhere}
.tile p b{color:var(--ink);font-weight:600}
.tile code{display:inline-block;max-width:100%;font-size:12px}
.good{color:var(--good)!important}.bad{color:var(--bad)!important}
nav{display:flex;flex-wrap:wrap;gap:6px 18px;margin:24px 0 0;font-size:14px}
nav a{color:var(--muted);text-decoration-color:var(--line);text-underline-offset:4px}
nav a:hover{color:var(--ink)}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:14px;align-items:start}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:8px;min-width:0}
figure svg,.verdict svg{display:block;width:100%;height:auto}
.grid>figure:last-child:nth-child(odd){grid-column:1/-1}
.grid>figure:last-child:nth-child(odd) svg{max-width:560px;margin:0 auto}
.stack{margin-top:14px}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:14px 16px 6px}
caption small{color:var(--muted);font-weight:400;font-size:13px}
th,td{padding:8px 16px;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;font-weight:600;color:var(--muted);font-size:13px;white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:500;overflow-wrap:break-word;max-width:16em;min-width:6em}
td:not(.number){overflow-wrap:break-word;min-width:7em;max-width:32em}
td small,th small{display:block;color:var(--muted);font-size:12.5px;font-weight:400}
.number{text-align:right;white-space:nowrap}
.baseline-mark,.model-mark{white-space:nowrap}
.baseline-mark::before,.model-mark::before{content:"";display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:6px;background:var(--baseline)}
.model-mark::before{background:var(--model)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.9em}
code{background:var(--code);border-radius:5px;padding:1px 5px;overflow-wrap:anywhere}
pre{background:var(--sunken);border:1px solid var(--line);border-radius:8px;margin:8px 0 0;padding:12px 14px;overflow-x:auto;line-height:1.5;font-size:13px}
pre code{background:none;padding:0;font-size:inherit;overflow-wrap:normal}
.command code{display:block;padding:8px 12px;user-select:all;-webkit-user-select:all}
details{margin-top:14px}
summary{cursor:pointer;font-weight:600;font-size:14px}
details[open]>summary{margin-bottom:8px}
ul.findings{list-style:none;margin:12px 0 0;display:grid;gap:10px}
ul.findings li{border-left:3px solid var(--muted);padding:2px 0 2px 12px}
ul.findings .error,ul.findings .warning{border-color:var(--bad)}
footer{margin-top:48px;color:var(--muted);font-size:13px}
:focus-visible{outline:2px solid var(--model);outline-offset:2px}
@media (max-width:900px){.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.verdict{grid-template-columns:minmax(0,1fr)}.verdict svg{max-width:440px}}
@media (max-width:720px){main{padding:18px 12px 48px}h1{font-size:24px}.grid{grid-template-columns:minmax(0,1fr)}.verdict{padding:16px}.verdict .claim{font-size:18px}.card{padding:14px 16px}figure{padding:2px}th,td{padding:8px 12px}}
@media (max-width:460px){.tiles{grid-template-columns:minmax(0,1fr);gap:10px}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{body{background:#fff;font-size:12px}main{max-width:none;padding:0}figure,.card,tr{break-inside:avoid}nav{display:none}}
${chartStyles()}`;
}
