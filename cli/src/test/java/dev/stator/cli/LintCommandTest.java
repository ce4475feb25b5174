package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

final class LintCommandTest {
    @TempDir Path folder;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int lint(String name, String text, String... more) throws Exception {
        var file = Files.writeString(folder.resolve(name), text);
        var arguments = new String[more.length + 2];
        arguments[0] = "lint";
        arguments[1] = file.toString();
        System.arraycopy(more, 0, arguments, 2, more.length);
        return Main.run(
                new Console(
                        InputStream.nullInputStream(),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Map.of()),
                arguments);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aTemplateWithAClockBeforeItsDocuments() throws Exception {
        var template =
                "It is {{ strftime_now('%H') }}.\n{% for d in documents %}{{ d }}{% endfor %}";
        assertThat(lint("prompt.jinja", template)).as(err()).isEqualTo(1);
        assertThat(out()).contains("1 found", "clock", "line 1: strftime_now", "->");
        out.reset();
        assertThat(lint("prompt.jinja", template, "--json")).isEqualTo(1);
        var json = JsonMapper.shared().readTree(out());
        assertThat(json.at("/findings/0/name").asString()).isEqualTo("clock");
    }

    @Test
    void aTemplateWithoutFault() throws Exception {
        assertThat(lint("prompt.txt", "{% for d in documents %}{{ d }}{% endfor %}{{ question }}"))
                .isZero();
        assertThat(out()).contains("nothing that changes stands before");
    }

    @Test
    void whatCannotBeReadIsRefused() throws Exception {
        assertThat(lint("prompt.jinja", "{% if %}")).isEqualTo(1);
        assertThat(err()).contains("is no template", "line 1");
        assertThat(lint("none.jinja", "", "--requests", "many")).isEqualTo(2);
    }
}
