package dev.stator.api.chat;

import dev.stator.api.documents.Document;
import dev.stator.api.documents.Documents;
import dev.stator.api.documents.ReuseMode;
import dev.stator.engine.ModelInfo;
import dev.stator.engine.Tokenizer;
import dev.stator.serving.Splice;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * How one model holds a conversation: its template, its tokens, its tool calls. Thread-safe.
 *
 * <p>Special tokens that a client writes into a message are read as special tokens, as llama.cpp
 * and vLLM do: the template's text and the client's are one by the time they are tokenised. Whoever
 * wants to keep them apart starts in {@link PromptEncoder#encode}.
 */
public final class ChatModel {
    /** Memory for the tokens of earlier prompts. */
    private static final long ENCODER_BYTES = 64L << 20;

    private static final String THINK = "<think>";
    private static final Map<String, Object> ANYTHING = Map.of("role", "user", "content", "…");

    private static final Document ANY_DOCUMENT =
            new Document(Optional.of("0"), "", "…", Map.of("id", "0", "title", "", "text", "…"));

    private final ChatTemplate template;
    private final Tokenizer tokenizer;
    private final PromptEncoder encoder;
    private final TokenWindows windows;
    private final boolean addsBos;
    private final boolean thinks;
    private final ToolFormat toolFormat;

    private ChatModel(ChatTemplate template, Tokenizer tokenizer) {
        this.template = template;
        this.tokenizer = tokenizer;
        this.encoder = new PromptEncoder(tokenizer, ENCODER_BYTES);
        this.windows = new TokenWindows(tokenizer);
        this.addsBos = tokenizer.addsBos() && tokenizer.bos().isPresent();
        this.thinks = template.source().contains("</think>");
        this.toolFormat =
                template.traits().tools() ? ToolFormat.of(template.source()) : ToolFormat.HERMES;
    }

    /**
     * @throws ChatException if the model's chat template cannot be read; says what to do
     */
    public static ChatModel of(ModelInfo model, Tokenizer tokenizer) {
        return new ChatModel(ChatTemplate.of(model, tokenizer), tokenizer);
    }

    /**
     * @throws ChatException if the template refuses the conversation
     */
    public Prompt prompt(Conversation conversation, String salt) {
        var text = template.render(conversation);
        boolean written = !template.bos().isEmpty() && text.startsWith(template.bos());
        var seams = Seams.of(text, conversation.documents(), template.traits().documents());
        var encoded = encoder.encode(text, addsBos && !written, salt, seams);
        return new Prompt(text, encoded.tokens(), encoded.reused(), encoded.passages(), seams);
    }

    /**
     * How a prompt may be spliced; empty if it has no passages.
     *
     * @param boundary see {@link Splice#boundary}
     * @param budget the most of the moved passages, from 0 to 1, that is computed in its place
     *     because the last message is about it
     */
    public Optional<Splice> splice(
            Conversation conversation, Prompt prompt, int boundary, double budget) {
        return prompt.passages().isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new Splice(
                                prompt.head(),
                                prompt.passages(),
                                boundary,
                                windows.of(
                                        prompt.tokens(),
                                        // The first one stands where it was computed.
                                        prompt.passages().subList(1, prompt.passages().size()),
                                        lastAsked(conversation),
                                        budget)));
    }

    /** How many of the prompt's first tokens stand before the first user's text. */
    public int instructions(Conversation conversation, Prompt prompt, String salt) {
        int first = 0;
        for (var message : conversation.messages()) {
            if ("user".equals(message.get("role"))) {
                break;
            }
            first++;
        }
        return tokensOf(conversation.beginning(first).followedBy(ANYTHING), salt)
                .map(head -> shared(head, prompt.tokens()))
                .orElse(0);
    }

    /**
     * What the last user's message asks, without passages that stand in it: the text of the
     * prompt's tokens from there on.
     *
     * @param passages of the prompt, in order
     */
    public String asked(
            Conversation conversation, Prompt prompt, List<Splice.Passage> passages, String salt) {
        var roles = conversation.messages().stream().map(each -> each.get("role")).toList();
        int last = Math.max(0, roles.lastIndexOf("user"));
        int at = tokensOf(conversation, last, prompt, salt);
        var text = new StringBuilder();
        for (var passage : passages) {
            if (passage.from() > at) {
                text.append(text(prompt, at, passage.from()));
            }
            at = Math.max(at, passage.to());
        }
        return text.append(text(prompt, at, prompt.tokens().length)).toString();
    }

    private String text(Prompt prompt, int from, int to) {
        return tokenizer.decode(Arrays.copyOfRange(prompt.tokens(), from, to), false);
    }

    /** What the last user's message says. */
    public static String lastAsked(Conversation conversation) {
        return Message.all(conversation.messages()).reversed().stream()
                .filter(message -> message.role().equals("user"))
                .findFirst()
                .map(Message::text)
                .orElse("");
    }

    /**
     * How many of the prompt's first tokens stand for the first so many messages of the
     * conversation that it was made of: those that a prompt of these messages alone has as well.
     */
    public int tokensOf(Conversation conversation, int messages, Prompt prompt, String salt) {
        return tokensOf(conversation.beginning(messages), salt)
                // Some templates want a user's message at the end.
                .or(() -> tokensOf(conversation.beginning(messages).followedBy(ANYTHING), salt))
                .map(head -> shared(head, prompt.tokens()))
                .orElse(0);
    }

    private Optional<int[]> tokensOf(Conversation conversation, String salt) {
        try {
            return Optional.of(prompt(conversation, salt).tokens());
        } catch (ChatException _) {
            return Optional.empty();
        }
    }

    private static int shared(int[] head, int[] whole) {
        int differs = Arrays.mismatch(head, whole);
        return differs < 0 ? whole.length : differs;
    }

    /**
     * The beginning of prompts that have a document first behind their head.
     *
     * @param tokens up to the document's end, and one more
     * @param from where the document begins, or a little before
     */
    public record Lead(int[] tokens, int from) {}

    /**
     * How prompts begin that have the first document of a conversation first: as they are read
     * exactly, and as they are read where documents are spliced, if that differs.
     *
     * @param head without a user's message, with one document
     * @param spliced whether documents may be
     */
    public List<Lead> leads(Conversation head, String salt, boolean spliced) {
        var asked = head.followedBy(ANYTHING);
        var one = prompt(asked, salt);
        // What all go on with: another document, or none.
        var two = prompt(asked.withDocuments(head.documents().followedBy(ANY_DOCUMENT)), salt);
        int[] exact = Arrays.copyOf(one.tokens(), shared(one.tokens(), two.tokens()) + 1);
        var leads = new ArrayList<Lead>();
        leads.add(new Lead(exact, starts(one, asked.documents()).getFirst()));
        if (spliced) {
            var cut = prompt(asked.withDocuments(head.documents().in(ReuseMode.SPLICED)), salt);
            for (var passage : cut.passages()) {
                int[] tokens = Arrays.copyOf(cut.tokens(), passage.to() + 1);
                if (Arrays.mismatch(exact, tokens) < passage.to()) {
                    leads.add(new Lead(tokens, passage.from()));
                }
            }
        }
        return leads;
    }

    /**
     * Where the documents of a prompt begin, in tokens: each there or before, 0 where that cannot
     * be told.
     */
    public List<Integer> starts(Prompt prompt, Documents documents) {
        return Seams.starts(prompt.text(), documents, template.traits().documents()).stream()
                .map(at -> at <= 0 ? 0 : tokenAt(prompt, at))
                .toList();
    }

    private int tokenAt(Prompt prompt, int character) {
        byte[] before = prompt.text().substring(0, character).getBytes(StandardCharsets.UTF_8);
        boolean written = !template.bos().isEmpty() && prompt.text().startsWith(template.bos());
        int[] tokens = prompt.tokens();
        int done = 0;
        for (int i = addsBos && !written ? 1 : 0; i < tokens.length; i++) {
            byte[] its = tokenizer.bytes(tokens[i], true);
            int known = Math.min(its.length, before.length - done);
            if (!Arrays.equals(before, done, done + known, its, 0, known)) {
                // The tokenizer has changed the text.
                return 0;
            }
            if (done + its.length > before.length) {
                return i;
            }
            done += its.length;
        }
        return 0;
    }

    /**
     * Drops what is remembered of a text, and of the answers of all who share its salt: which of
     * these were about it is not known.
     */
    public void forget(String text, String salt) {
        encoder.forget(text, salt);
    }

    /** A parser for the answer to {@code prompt}, which was made of {@code conversation}. */
    public AnswerParser parser(Conversation conversation, Prompt prompt) {
        var names = toolNames(conversation);
        return new AnswerParser(
                names.isEmpty() ? ToolFormat.NONE : toolFormat,
                names,
                thinks,
                thinks && opensReasoning(prompt));
    }

    private static Set<String> toolNames(Conversation conversation) {
        var names = new HashSet<String>();
        if (!(conversation.toolChoice() instanceof ToolChoice.None)) {
            int i = 0;
            for (var tool : conversation.tools()) {
                names.add(ToolGrammar.name(tool, "tools[" + i++ + "]"));
            }
        }
        return names;
    }

    /**
     * The token that would begin a call where none may be made though the model knows of tools;
     * empty where calls are allowed, or begin with none of their own.
     */
    public OptionalInt withheld(Conversation conversation) {
        if (conversation.tools().isEmpty()
                || !(conversation.toolChoice() instanceof ToolChoice.None)) {
            return OptionalInt.empty();
        }
        return tokenizer.specials().stream()
                .filter(special -> special.text().equals(toolFormat.opener()))
                .mapToInt(Tokenizer.Special::token)
                .findFirst();
    }

    private static boolean opensReasoning(Prompt prompt) {
        return prompt.text().stripTrailing().endsWith(THINK);
    }

    /**
     * The grammar that the answer must follow so that it calls the tools it has to ({@code
     * tool_choice} required or a named function); empty if the answer is free.
     *
     * @throws ChatException if a tool's parameters cannot be enforced, or the named tool is missing
     */
    public Optional<String> grammar(Conversation conversation, Prompt prompt) {
        var tools = conversation.tools();
        return switch (conversation.toolChoice()) {
            case ToolChoice.Auto _, ToolChoice.None _ -> Optional.empty();
            case ToolChoice.Required _ when tools.isEmpty() ->
                    throw new ChatException("tool_choice is \"required\", but there are no tools");
            case ToolChoice.Required _ ->
                    Optional.of(afterReasoning(ToolGrammar.of(toolFormat, tools, false), prompt));
            case ToolChoice.Named(String name) -> {
                var named =
                        tools.stream()
                                .filter(tool -> ToolGrammar.name(tool, "tools").equals(name))
                                .toList();
                if (named.isEmpty()) {
                    throw new ChatException(
                            "tool_choice names the function \"%s\", which is not among the tools"
                                    .formatted(name));
                }
                yield Optional.of(
                        afterReasoning(
                                ToolGrammar.of(toolFormat, named.subList(0, 1), true), prompt));
            }
        };
    }

    /**
     * A grammar for the whole answer to {@code prompt}, of a grammar for what follows its
     * reasoning: the same, unless the prompt has opened the reasoning.
     */
    public String afterReasoning(String grammar, Prompt prompt) {
        if (!thinks || !opensReasoning(prompt)) {
            return grammar;
        }
        // "root" begins the text and occurs nowhere else in it as a name.
        return """
        root ::= thought "</think>" "\\n"? "\\n"? answer
        thought ::= ([^<] | "<" [^/])*
        """
                + grammar.replaceFirst("^root ::=", "answer ::=");
    }

    /**
     * Lets the next turn's prompt use the very tokens that were generated, so that their KV is
     * found. The tokens must be those of {@code answerText}, or nothing is remembered.
     *
     * @param answerText all text that the answer's tokens stand for, special tokens included
     * @param generatedTokens may end with the one that ended the answer, also where its text is
     *     left out
     */
    public void remember(Prompt prompt, String answerText, int[] generatedTokens, String salt) {
        encoder.remember(
                prompt.text(), prompt.seams(), prompt.tokens(), answerText, generatedTokens, salt);
    }

    /** In which syntax the model's tool calls are read and enforced. */
    public ToolFormat toolFormat() {
        return toolFormat;
    }
}
