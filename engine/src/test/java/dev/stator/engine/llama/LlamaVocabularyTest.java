package dev.stator.engine.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.EngineException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class LlamaVocabularyTest {
    @Test
    void itKnowsOfTheModelWhatTheEngineDoesButForItsKv() {
        var options = LlamaOptions.of(DemoModel.FILE, DemoModel.libraries());
        try (var vocabulary = LlamaVocabulary.load(options);
                var engine = DemoModel.load()) {
            var whole = engine.model();
            var known = vocabulary.model();
            assertThat(known.kv()).isEmpty();
            assertThat(known.fingerprint()).isEqualTo(whole.fingerprint());
            assertThat(known.contextTokens()).isEqualTo(whole.contextTokens());
            assertThat(known.embeddingLength()).isEqualTo(whole.embeddingLength());
            assertThat(known.vocabularySize()).isEqualTo(whole.vocabularySize());
            assertThat(known.chatTemplate()).isEqualTo(whole.chatTemplate());
            assertThat(known.generates()).isTrue();
            assertThat(known.embeds()).isEqualTo(whole.embeds());
            assertThat(whole.kv()).isNotEqualTo(Optional.empty());

            assertThat(vocabulary.tokenizer().encode(DemoModel.PROMPT, true, true))
                    .isEqualTo(engine.tokenizer().encode(DemoModel.PROMPT, true, true));
            for (int token = 0; token < known.vocabularySize(); token++) {
                assertThat(vocabulary.tokenizer().bytes(token, true))
                        .isEqualTo(engine.tokenizer().bytes(token, true));
                assertThat(vocabulary.tokenizer().endsGeneration(token))
                        .isEqualTo(engine.tokenizer().endsGeneration(token));
            }
        }
    }

    @Test
    void aMissingFileIsNamed() {
        var options = LlamaOptions.of(Path.of("nowhere.gguf"), DemoModel.libraries());
        assertThatThrownBy(() -> LlamaVocabulary.load(options))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("nowhere.gguf");
    }
}
