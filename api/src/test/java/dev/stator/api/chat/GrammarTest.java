package dev.stator.api.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

final class GrammarTest {
    private static final JsonMapper JSON = JsonMapper.shared();

    private static Pattern regex(String schema) {
        return GrammarRegex.of(JsonSchemaGrammar.of(JSON.readTree(schema)));
    }

    private static void check(Pattern pattern, String text, boolean wanted) {
        assertThat(pattern.matcher(text).matches()).as(text).isEqualTo(wanted);
    }

    @Test
    void integersAreExactlyThoseWithinTheBounds() {
        var random = new Random(3);
        for (int round = 0; round < 200; round++) {
            int spread = 1 + random.nextInt(3000);
            int low = random.nextInt(-spread, spread);
            int high = low + random.nextInt(spread);
            var pattern =
                    regex(
                            "{\"type\":\"integer\",\"minimum\":%d,\"maximum\":%d}"
                                    .formatted(low, high));
            for (int i = 0; i < 100; i++) {
                int value = random.nextInt(low - 20, high + 20);
                check(pattern, Integer.toString(value), low <= value && value <= high);
            }
            check(pattern, Integer.toString(low), true);
            check(pattern, Integer.toString(high), true);
            check(pattern, Integer.toString(low - 1), false);
            check(pattern, Integer.toString(high + 1), false);
            check(pattern, "0" + Math.abs(low), false);
        }
    }

    @Test
    void numbersAreExactlyThoseWithinTheBounds() {
        var random = new Random(4);
        for (int round = 0; round < 200; round++) {
            var low = BigDecimal.valueOf(random.nextInt(-4000, 4000), random.nextInt(4));
            var high = low.add(BigDecimal.valueOf(random.nextInt(1, 3000), random.nextInt(4)));
            boolean above = random.nextBoolean();
            boolean below = random.nextBoolean();
            var pattern =
                    regex(
                            "{\"type\":\"number\",\"%s\":%s,\"%s\":%s}"
                                    .formatted(
                                            above ? "exclusiveMinimum" : "minimum",
                                            low.toPlainString(),
                                            below ? "exclusiveMaximum" : "maximum",
                                            high.toPlainString()));
            var width = high.subtract(low);
            for (int i = 0; i < 60; i++) {
                var value =
                        low.add(width.multiply(BigDecimal.valueOf(random.nextInt(-200, 1200), 3)));
                checkNumber(pattern, value, low, above, high, below);
            }
            for (var edge : new BigDecimal[] {low, high, low.setScale(7), high.setScale(7)}) {
                checkNumber(pattern, edge, low, above, high, below);
                checkNumber(
                        pattern,
                        edge.add(BigDecimal.ONE.movePointLeft(9)),
                        low,
                        above,
                        high,
                        below);
                checkNumber(
                        pattern,
                        edge.subtract(BigDecimal.ONE.movePointLeft(9)),
                        low,
                        above,
                        high,
                        below);
            }
        }
    }

    private static void checkNumber(
            Pattern pattern,
            BigDecimal value,
            BigDecimal low,
            boolean above,
            BigDecimal high,
            boolean below) {
        int toLow = value.compareTo(low);
        int toHigh = value.compareTo(high);
        boolean within = (above ? toLow > 0 : toLow >= 0) && (below ? toHigh < 0 : toHigh <= 0);
        check(pattern, value.toPlainString(), within);
    }

    @Test
    void oneSidedBoundsReachToTheMostDigits() {
        var pattern = regex("{\"type\":\"integer\",\"minimum\":5}");
        check(pattern, "4", false);
        check(pattern, "-7", false);
        check(pattern, "9".repeat(15), true);
        check(pattern, "1" + "0".repeat(15), false);
        assertThatThrownBy(() -> regex("{\"type\":\"integer\",\"maximum\":1e20}"))
                .isInstanceOf(ChatException.class)
                .hasMessageContaining("more than 15 digits");
    }

    @ParameterizedTest
    @CsvSource({
        "0,1",
        "3,999",
        "0,1000",
        "1000,1000",
        "999,2001",
        "2000,2000",
        "1500,3700",
        "7,5000"
    })
    void repetitionsAreExactHoweverLong(int min, int max) {
        var pattern = regex("{\"type\":\"string\",\"pattern\":\"^a{%d,%d}$\"}".formatted(min, max));
        for (int length : new int[] {min, (min + max) / 2, max}) {
            check(pattern, '"' + "a".repeat(length) + '"', true);
        }
        check(pattern, '"' + "a".repeat(max + 1) + '"', false);
        if (min > 0) {
            check(pattern, '"' + "a".repeat(min - 1) + '"', false);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            quoteCharacter = '`',
            value = {
                "^ab?c$ abc true",
                "^ab?c$ ac true",
                "^ab?c$ xac false",
                "b abc true",
                "b ac false",
                "^b bac true",
                "b$ abb true",
                "^(?:a|bc)+$ abcbca true",
                "^(?:a|bc)+$ abb false",
                "^[^a-c]{2}$ dz true",
                "^[^a-c]{2}$ da false",
                "^\\d+\\.\\w\\S$ 12.a- true",
                "^[\\w.-]+@x$ a.b-c@x true",
                "^é[à-ü]\\u00e9$ éâé true",
                "^a{2,}$ a false"
            })
    void patternsAllowWhatTheySay(String pattern, String text, boolean matches) {
        var schema = JSON.createObjectNode().put("type", "string").put("pattern", pattern);
        check(GrammarRegex.of(JsonSchemaGrammar.of(schema)), '"' + text + '"', matches);
    }

    @Test
    void whatAPatternDemandsIsEscapedInsideTheString() {
        var schema = JSON.createObjectNode().put("type", "string").put("pattern", "^[\"\\\\]\\n$");
        var pattern = GrammarRegex.of(JsonSchemaGrammar.of(schema));
        check(pattern, "\"\\\"\\n\"", true);
        check(pattern, "\"\\\\\\n\"", true);
        check(pattern, "\"\"\\n\"", false);
    }

    @Test
    void propertiesKeepTheirOrderAndCommas() {
        var pattern =
                regex(
                        "{\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":2},\"c\":{\"const\":3}},\"required\":[\"b\"]}");
        for (var text :
                new String[] {
                    "{\"b\":2}", "{\"a\":1,\"b\":2}", "{ \"a\": 1, \"b\": 2,\n  \"c\": 3\n}"
                }) {
            check(pattern, text, true);
        }
        for (var text :
                new String[] {"{}", "{\"a\":1}", "{\"b\":2,}", "{,\"b\":2}", "{\"b\":2,\"a\":1}"}) {
            check(pattern, text, false);
        }
    }

    @Test
    void otherPropertiesDoNotTakeANameThatHasItsOwnSchema() {
        var pattern =
                regex(
                        "{\"properties\":{\"ab\":{\"const\":1}},\"additionalProperties\":{\"const\":2}}");
        for (var text :
                new String[] {
                    "{}", "{\"ab\":1}", "{\"a\":2}", "{\"abc\":2,\"\":2}", "{\"ab\":1,\"b\":2}"
                }) {
            check(pattern, text, true);
        }
        for (var text :
                new String[] {
                    "{\"ab\":2}", "{\"a\":1}", "{\"ab\":1,\"ab\":2}", "{\"\\u0061b\":2}"
                }) {
            check(pattern, text, false);
        }
    }

    @Test
    void tuplesHoldWhatTheySay() {
        var pattern =
                regex(
                        "{\"prefixItems\":[{\"const\":1},{\"const\":2}],\"items\":{\"const\":3},\"maxItems\":4}");
        check(pattern, "[1,2]", true);
        check(pattern, "[1, 2, 3, 3]", true);
        check(pattern, "[1,2,3,3,3]", false);
        check(pattern, "[1]", false);
    }

    @Test
    void blanksAreBounded() {
        var pattern = regex("{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]}");
        check(pattern, "{\n" + " ".repeat(20) + "\"a\":1}", true);
        check(pattern, "{\n" + " ".repeat(21) + "\"a\":1}", false);
        check(pattern, "{\n\n\"a\":1}", false);
    }
}
