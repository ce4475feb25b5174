package dev.stator.engine.llama;

import dev.stator.engine.Batch;
import dev.stator.engine.EngineContext;
import dev.stator.engine.Sampler;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The demonstration model under the real library, and the bare loops that tests compare with. */
final class DemoModel {
    static final Path FILE = Path.of(System.getProperty("stator.demo"), "model.gguf");
    static final String PROMPT =
            """
            <|im_start|>system
            Answer from the documents only and cite the source.<|im_end|>
            <|im_start|>user
            [doc 1] Old Heron Cafe
            The number of people who work at Old Heron Cafe is 384. A ticket for Old Heron Cafe costs 174 dollars.
            Question: What does a ticket for Old Heron Cafe cost?<|im_end|>
            <|im_start|>assistant
            """;

    private DemoModel() {}

    static Path libraries() {
        return Platform.libraries(Path.of(System.getProperty("stator.natives")));
    }

    static LlamaEngine load() {
        return LlamaEngine.load(LlamaOptions.of(FILE, libraries()));
    }

    /** Computes tokens at the end of a sequence in one step; the last one asks for output. */
    static int prefill(EngineContext context, int sequence, int from, int[] tokens) {
        var batch = new Batch();
        for (int i = 0; i < tokens.length; i++) {
            batch.add(tokens[i], from + i, sequence, i == tokens.length - 1);
        }
        context.step(batch);
        return tokens.length - 1;
    }

    /** Continues a sequence greedily, the logits of whose last token are at {@code index}. */
    static List<Integer> continueWith(
            EngineContext context,
            Sampler sampler,
            int sequence,
            int position,
            int index,
            int count) {
        var answer = new ArrayList<Integer>();
        int at = index;
        for (int i = 0; i < count; i++) {
            int token = sampler.sample(at).token();
            answer.add(token);
            at = prefill(context, sequence, position + i, new int[] {token});
        }
        return answer;
    }
}
