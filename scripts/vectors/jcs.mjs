import { b64, holds, refused } from './cases.mjs';

export function jcs() {
  const form = (comment, text, output) => holds(comment, { input: b64(text) }, { output: b64(output) });
  const bad = (comment, bytes) => refused(comment, { input: b64(bytes) });
  return [
    form('RFC 8785 §3.2.2: numbers, strings, literals', RFC_INPUT, RFC_OUTPUT),
    form('RFC 8785 §3.2.3: members by UTF-16 code units', RFC_SORT_INPUT, RFC_SORT_OUTPUT),
    form('white space', ' [ 1 ,\t2\r\n] ', '[1,2]'),
    form('members sorted on every level', '{"b":{"d":1,"c":2},"a":[{"z":0,"y":0}]}', '{"a":[{"y":0,"z":0}],"b":{"c":2,"d":1}}'),
    form('names that look like numbers', '{"10":1,"9":2,"1":3}', '{"1":3,"10":1,"9":2}'),
    form('__proto__ is a name', '{"__proto__":{"b":1,"a":2},"a":1}', '{"__proto__":{"a":2,"b":1},"a":1}'),
    form('a scalar', '"a"', '"a"'),
    form('minus zero', '-0', '0'),
    form('an empty name', '{"":1}', '{"":1}'),
    ...NUMBERS.map(([text, output]) => form(`number ${text}`, text, output)),
    bad('two members of one name', '{"a":1,"a":1}'),
    bad('two members of one name, one of them escaped', '{"a":1,"\\u0061":2}'),
    bad('a lone high surrogate', '"\\ud800"'),
    bad('a lone low surrogate in a name', '{"\\udc00":1}'),
    bad('a number beyond a double', '1e400'),
    bad('a number beyond a double, negative, in an array', '[-1e309]'),
    bad('invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])),
    bad('a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])),
    bad('an overlong encoding', Buffer.from([0x22, 0xc0, 0xaf, 0x22])),
    bad('a byte order mark', '\ufeff{}'),
    ...NOT_JSON.map((text) => bad(`no JSON: ${JSON.stringify(text.slice(0, 20))}`, text)),
    refused('input that is no base64', { input: '{}' }),
  ];
}

const RFC_INPUT = String.raw`{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}`;
const RFC_OUTPUT =
  '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
const RFC_SORT_INPUT = String.raw`{
  "\u20ac": "Euro Sign",
  "\r": "Carriage Return",
  "\ufb33": "Hebrew Letter Dalet With Dagesh",
  "1": "One",
  "\ud83d\ude00": "Emoji: Grinning Face",
  "\u0080": "Control",
  "\u00f6": "Latin Small Letter O With Diaeresis"
}`;
const RFC_SORT_OUTPUT =
  '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign",' +
  '"😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}';

/** RFC 8785 appendix B, and the edges of ECMAScript's notations. */
const NUMBERS = [
  ['5e-324', '5e-324'],
  ['1.7976931348623157e308', '1.7976931348623157e+308'],
  ['9007199254740992', '9007199254740992'],
  ['9007199254740993', '9007199254740992'],
  ['295147905179352830000', '295147905179352830000'],
  ['1e21', '1e+21'],
  ['999999999999999900000', '999999999999999900000'],
  ['0.000001', '0.000001'],
  ['0.0000001', '1e-7'],
  ['333333333.33333325', '333333333.33333325'],
  ['1e-400', '0'],
];
const NOT_JSON = [
  '',
  ' ',
  '{',
  '[1,]',
  '{"a":1,}',
  "{'a':1}",
  '{a:1}',
  '01',
  '1.',
  '.5',
  '+1',
  '-',
  '0x1',
  'NaN',
  'Infinity',
  'nul',
  '[1] 2',
].concat(['"\n"', '"\\x41"', '"\\u00"', '"a', '[1 2]', '{"a" 1}', '//\n1', '\u00a01', '['.repeat(5000)]);
