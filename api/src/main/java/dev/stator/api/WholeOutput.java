package dev.stator.api;

import dev.stator.engine.Tokenizer;
import dev.stator.serving.FinishReason;
import dev.stator.serving.GeneratedToken;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** Writes all answers in one JSON body when the last has finished. */
final class WholeOutput implements Output {
    private final Exchange exchange;
    private final Shape shape;
    private final Optional<Tokenizer> logprobs;
    private final List<Choice> choices = new ArrayList<>();
    private final List<Gathered> gathered = new ArrayList<>();

    /**
     * @param logprobs present if they are wanted
     */
    WholeOutput(Exchange exchange, Shape shape, int choices, Optional<Tokenizer> logprobs) {
        this.exchange = exchange;
        this.shape = shape;
        this.logprobs = logprobs;
        for (int i = 0; i < choices; i++) {
            this.choices.add(new Choice(shape.reader()));
            this.gathered.add(new Gathered());
        }
    }

    @Override
    public void open() {}

    @Override
    public void token(int choice, GeneratedToken token) {
        var answer = gathered.get(choice);
        choices.get(choice).accept(token.text()).forEach(answer::add);
        logprobs.filter(tokenizer -> !tokenizer.endsGeneration(token.sampled().token()))
                .ifPresent(_ -> answer.add(token.sampled()));
    }

    @Override
    public void finish(int choice, FinishReason reason, String tail) {
        var answer = gathered.get(choice);
        choices.get(choice).finish(tail).forEach(answer::add);
        answer.finish(choices.get(choice).finishReason(reason));
    }

    @Override
    public void complete(Usage usage, Optional<ObjectNode> account) {
        var body = shape.envelope(false);
        var array = body.putArray("choices");
        for (int i = 0; i < gathered.size(); i++) {
            array.add(shape.whole(i, gathered.get(i)));
        }
        body.set("usage", usage.json());
        account.ifPresent(stator -> body.set("stator", stator));
        exchange.respond(200, body);
    }

    @Override
    public void fail(ApiError error) {
        exchange.fail(error);
    }
}
