package dev.stator.jinja;

/**
 * A piece of a template.
 *
 * @param text the text of DATA, the name of a NAME, the sign of an OPERATOR, the value of a STRING,
 *     the digits of a number
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        DATA("template data"),
        PRINT_BEGIN("begin of print statement"),
        PRINT_END("end of print statement"),
        BLOCK_BEGIN("begin of statement block"),
        BLOCK_END("end of statement block"),
        NAME("name"),
        STRING("string"),
        INTEGER("integer"),
        FLOAT("float"),
        OPERATOR("operator"),
        END("end of template");

        private final String description;

        Kind(String description) {
            this.description = description;
        }

        String description() {
            return description;
        }
    }

    boolean isName(String name) {
        return kind == Kind.NAME && text.equals(name);
    }

    boolean isOperator(String sign) {
        return kind == Kind.OPERATOR && text.equals(sign);
    }

    /** What it is, for an error message. */
    String describe() {
        return kind == Kind.NAME || kind == Kind.OPERATOR ? text : kind.description;
    }
}
