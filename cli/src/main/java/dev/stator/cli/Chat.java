package dev.stator.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A conversation: what was said so far, and whom to ask. */
final class Chat {
    private final ChatClient client;
    private final String documents;
    private final List<ChatMessage> messages = new ArrayList<>();
    private Optional<String> system;

    /**
     * @param documents text before the first question; may be empty
     */
    Chat(ChatClient client, String documents, Optional<String> system) {
        this.client = client;
        this.documents = documents;
        this.system = system;
        clear();
    }

    /** Forgets everything but the system message. */
    void clear() {
        messages.clear();
        system.ifPresent(text -> messages.add(new ChatMessage("system", text)));
    }

    /** Begins anew with another system message; an empty text is none. */
    void begin(String newSystem) {
        system = Optional.of(newSystem).filter(text -> !text.isEmpty());
        clear();
    }

    /**
     * Asks the next question. What was answered becomes part of the conversation, also when it was
     * cancelled; if nothing was, the question is forgotten.
     *
     * @throws Refusal if the server does not answer
     */
    ChatAnswer ask(String question, Consumer<String> onText) {
        boolean first = messages.stream().noneMatch(message -> message.role().equals("user"));
        var asked = new ChatMessage("user", first ? documents + question : question);
        var all = new ArrayList<>(messages);
        all.add(asked);
        var answer = client.ask(all, onText);
        if (!answer.text().isEmpty()) {
            messages.add(asked);
            messages.add(new ChatMessage("assistant", answer.text()));
        }
        return answer;
    }

    /** Stops the answer that is being made; from any thread. */
    void cancel() {
        client.cancel();
    }
}
