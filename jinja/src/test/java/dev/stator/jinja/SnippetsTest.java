package dev.stator.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import org.junit.jupiter.api.Test;

/** Each thing the language can do, and each refusal, as Python does it. */
class SnippetsTest {
    @Test
    void behavesAsPythonDoes() {
        var golden = Golden.read("snippets.json");
        var variables = Golden.variables(golden.get("variables"));
        var expected = new LinkedHashMap<String, String>();
        var different = new LinkedHashMap<String, String>();
        for (var snippet : golden.get("snippets")) {
            var source = snippet.get("template").asString();
            var outcome = Golden.outcome(source, variables);
            if (!outcome.equals(Golden.expected(snippet))) {
                expected.put(source, Golden.expected(snippet));
                different.put(source, outcome);
            }
        }
        assertThat(golden.get("snippets").size()).isGreaterThan(1000);
        assertThat(different).isEqualTo(expected);
    }
}
