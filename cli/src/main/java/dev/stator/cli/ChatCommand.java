package dev.stator.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStyle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A conversation in the terminal with a running server. */
@Command(
        name = "chat",
        description = {
            "Chat with a running server; each answer is followed by its time to first token and reuse.",
            "Where standard input is no terminal, each of its lines is a question."
        })
final class ChatCommand implements Callable<Integer> {
    private static final String HELP =
            """
            /system TEXT  begin anew with this system message
            /clear        begin anew
            /quit         leave (or Ctrl-D)
            Ctrl-C stops an answer.""";

    private final Console console;

    @Mixin private ServerOptions server = new ServerOptions();

    @Option(
            names = "--model",
            paramLabel = "NAME",
            description = "the model to ask for [${DEFAULT-VALUE}]",
            defaultValue = "default")
    private String model = "";

    @Option(names = "--system", paramLabel = "TEXT", description = "the system message")
    private Optional<String> system = Optional.empty();

    @Option(
            names = "--file",
            paramLabel = "FILE",
            description = "a text to put before the first question as a numbered document")
    private List<Path> files = List.of();

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            description = "longest answer [what the server allows]")
    private Optional<Integer> maxTokens = Optional.empty();

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description = "0 always takes the likeliest token [what the server does]")
    private Optional<Double> temperature = Optional.empty();

    ChatCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        var documents = documents();
        try (var client = new ChatClient(target())) {
            var chat = new Chat(client, documents, system);
            return console.interactive() ? inTerminal(chat) : fromInput(chat);
        }
    }

    private ChatClient.Target target() {
        return new ChatClient.Target(
                server.url(), server.key(console), model, maxTokens, temperature);
    }

    private String documents() {
        var text = new StringBuilder();
        for (int i = 0; i < files.size(); i++) {
            var file = files.get(i);
            try {
                text.append(
                        "[doc %d] %s\n%s\n"
                                .formatted(
                                        i + 1, file.getFileName(), Files.readString(file).strip()));
            } catch (IOException e) {
                throw Refusal.misused("cannot read %s as text (%s)".formatted(file, Reason.of(e)));
            }
        }
        return text.toString();
    }

    private int fromInput(Chat chat) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(console.in(), StandardCharsets.UTF_8));
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
            if (!line.isBlank()) {
                var answer = chat.ask(line.strip(), this::print);
                console.out().println();
                console.err().println(answer.account());
            }
        }
        return 0;
    }

    private void print(String text) {
        console.out().print(text);
        console.out().flush();
    }

    private int inTerminal(Chat chat) throws IOException {
        try (var terminal = TerminalBuilder.builder().system(true).nativeSignals(true).build()) {
            var reader = LineReaderBuilder.builder().terminal(terminal).build();
            // '!' has no meaning in a chat.
            reader.setOpt(LineReader.Option.DISABLE_EVENT_EXPANSION);
            terminal.handle(Signal.INT, _ -> chat.cancel());
            terminal.writer().println("/help lists what else you can type.");
            while (true) {
                Optional<String> line = read(reader);
                if (line.isEmpty()) {
                    return 0;
                }
                if (!line.get().isEmpty() && !obey(line.get(), chat, terminal)) {
                    return 0;
                }
            }
        }
    }

    /** Empty at the end of input. */
    private static Optional<String> read(LineReader reader) {
        try {
            return Optional.of(reader.readLine("> ").strip());
        } catch (UserInterruptException _) {
            return Optional.of("");
        } catch (EndOfFileException _) {
            return Optional.empty();
        }
    }

    /**
     * @return whether the conversation goes on
     */
    private boolean obey(String line, Chat chat, Terminal terminal) {
        var out = terminal.writer();
        var word = line.split("\\s+", 2)[0];
        switch (word) {
            case "/quit", "/exit" -> {
                return false;
            }
            case "/help" -> out.println(HELP);
            case "/clear" -> chat.clear();
            case "/system" -> chat.begin(line.substring(word.length()).strip());
            default -> {
                if (line.matches("/[a-z]+")) {
                    out.println(
                            "unknown command %s%s"
                                    .formatted(
                                            line,
                                            Nearest.hint(
                                                    line,
                                                    List.of(
                                                            "/help", "/clear", "/system",
                                                            "/quit"))));
                } else {
                    answer(line, chat, terminal);
                }
            }
        }
        out.flush();
        return true;
    }

    private static void answer(String question, Chat chat, Terminal terminal) {
        var out = terminal.writer();
        try {
            var answer =
                    chat.ask(
                            question,
                            text -> {
                                out.print(text);
                                out.flush();
                            });
            out.println();
            out.println(
                    new AttributedString(answer.account(), AttributedStyle.DEFAULT.faint())
                            .toAnsi(terminal));
        } catch (Refusal e) {
            out.println();
            out.println(e.getMessage());
        }
    }
}
