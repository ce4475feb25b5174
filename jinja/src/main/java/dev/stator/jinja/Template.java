package dev.stator.jinja;

import dev.stator.jinja.Budget.Limits;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A chat template, parsed once and rendered for each prompt.
 *
 * <p>The language is Jinja as Hugging Face's transformers sets it up for chat templates (Jinja
 * 3.1.6, immutable sandbox, {@code trim_blocks}, {@code lstrip_blocks}, loop controls,
 * transformers' {@code tojson}, {@code raise_exception}, {@code strftime_now} and {@code {%
 * generation %}}), and renders the same text to the character. Template inheritance, includes and
 * the filters that make HTML are left out and refused by name.
 *
 * <p>A template comes with a model file and is treated as a stranger's program: it sees nothing but
 * the variables it is given, and the steps it may take and the text it may make are bounded.
 *
 * <p>Safe for use by several threads.
 */
public final class Template {
    /**
     * What a template sees as {@code none}. Variables are strings, booleans, Integer, Long,
     * BigInteger, Double, lists and maps with string keys; a Java null within them means the same
     * as this.
     */
    public static final Object NULL = Value.None.NONE;

    private final Program program;
    private final Limits limits;

    private Template(Program program, Limits limits) {
        this.program = program;
        this.limits = limits;
    }

    /**
     * Reads a template.
     *
     * @throws TemplateException if the text is not a template; the message has the line and what is
     *     wrong
     */
    public static Template parse(String source) {
        return parse(source, Limits.STANDARD);
    }

    /**
     * Something that a template writes.
     *
     * @param line where
     * @param variables of which it is made, functions that the template is given among them
     */
    public record Output(int line, Set<String> variables) {
        public Output {
            variables = Set.copyOf(variables);
        }
    }

    /** What it writes besides its own text, in the order of the template. */
    public List<Output> outputs() {
        return Outputs.of(program.body());
    }

    static Template parse(String source, Limits limits) {
        return new Template(ScopeAnalysis.analyse(Parser.parse(source)), limits);
    }

    /**
     * The text for {@code variables}, with the time of the system's clock where the template asks
     * for it.
     *
     * @throws TemplateException if the template fails; {@link TemplateException#raised()} tells
     *     whether it refused the variables itself, and then the message is its own
     */
    public String render(Map<String, ?> variables) {
        return render(variables, Clock.systemDefaultZone());
    }

    /** The same with a clock for {@code strftime_now}, in the clock's zone. */
    public String render(Map<String, ?> variables, Clock clock) {
        var budget = new Budget(limits);
        var interpreter = new Interpreter(program, new Variables(variables, budget), clock, budget);
        return interpreter.render();
    }
}
