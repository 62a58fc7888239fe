import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markup } from './html.ts';

/** What a browser reads of text and of a double-quoted attribute, for the entities that the template writes. */
function decoded(markup: string): string {
  const characters: Readonly<Record<string, string>> = {
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&#39;': "'",
    '&#96;': '`',
    '&amp;': '&',
  };
  return markup.replace(/&(?:lt|gt|quot|#39|#96|amp);/g, (entity) => characters[entity] ?? '');
}

describe('the template of HTML', () => {
  it('escapes what would end a text or an attribute', () => {
    const name = '"><script>alert(`1`)</script>&\'';
    expect(markup`<a title="${name}">${name}</a>`.text).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#96;1&#96;)&lt;/script&gt;&amp;&#39;">' +
        '&quot;&gt;&lt;script&gt;alert(&#96;1&#96;)&lt;/script&gt;&amp;&#39;</a>',
    );
  });

  it('puts HTML in as it is, lists one behind the other, and nothing for undefined', () => {
    const items = ['a', 'b'].map((each) => markup`<li>${each}</li>`);
    expect(markup`<ul>${items}${undefined}${3}</ul>`.text).toBe('<ul><li>a</li><li>b</li>3</ul>');
  });

  it('keeps the direction of a line, and lets no control character through', () => {
    expect(markup`${'a\u202eb\u0000c\nd\u007f'}`.text).toBe('a\ufffdb\ufffdc d\ufffd');
  });

  it('lets no text become markup, whatever it is, and changes no harmless one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const page = markup`<p title="${text}">${text}</p>`.text;
        const [, attribute = '', content = ''] = /^<p title="([^"]*)">([^<]*)<\/p>$/.exec(page) ?? [];
        expect(page).toBe(`<p title="${attribute}">${content}</p>`);
        expect(attribute).toBe(content);
        const isPlain = /^[\u0020-\u007e]*$/.test(text);
        expect(decoded(content)).toBe(isPlain ? text : decoded(attribute));
      }),
    );
  });
});
