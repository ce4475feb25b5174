package dev.stator.api.documents;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.Set;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.cjk.CJKBigramFilter;
import org.apache.lucene.analysis.cjk.CJKWidthFilter;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;

/**
 * The words of texts, by Lucene's analysis: cut as Unicode says, pairs of characters where a script
 * has no spaces, without case, accents and, as far as they are English, endings. Confined to a
 * thread.
 */
public final class Words {
    private final StandardTokenizer source = new StandardTokenizer();
    private final TokenStream words;
    private final CharTermAttribute word;

    public Words() {
        TokenStream chain = new CJKWidthFilter(source);
        chain = new LowerCaseFilter(chain);
        chain = new CJKBigramFilter(chain);
        chain = new EnglishPossessiveFilter(chain);
        chain = new ASCIIFoldingFilter(chain);
        words = new PorterStemFilter(chain);
        word = words.addAttribute(CharTermAttribute.class);
    }

    public Set<String> of(String text) {
        var found = new HashSet<String>();
        try {
            source.setReader(new StringReader(text));
            words.reset();
            while (words.incrementToken()) {
                found.add(word.toString());
            }
            words.end();
            words.close();
        } catch (IOException e) {
            throw new UncheckedIOException("a text in memory was read", e);
        }
        return found;
    }
}
