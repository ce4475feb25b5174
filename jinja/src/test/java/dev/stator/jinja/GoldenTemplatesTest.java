package dev.stator.jinja;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The chat templates of well-known models render as Python renders them, byte for byte. */
class GoldenTemplatesTest {
    static List<String> templates() {
        return Golden.templateNames();
    }

    @TestFactory
    Stream<DynamicTest> rendersAsPythonDoes() {
        var conversations = Golden.read("conversations.json");
        return templates().stream()
                .flatMap(
                        name -> {
                            var source = Golden.template(name);
                            return Golden.read("templates/" + name + ".json").properties().stream()
                                    .map(
                                            golden ->
                                                    dynamicTest(
                                                            name + ": " + golden.getKey(),
                                                            () ->
                                                                    Golden.assertRenders(
                                                                            source,
                                                                            Golden.variables(
                                                                                    conversations
                                                                                            .get(
                                                                                                    golden
                                                                                                            .getKey())),
                                                                            golden
                                                                                    .getValue())));
                        });
    }
}
