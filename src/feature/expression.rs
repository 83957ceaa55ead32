//! SQL expressions of feature sets: the part of SQL that Polars, DuckDB and Spark calculate alike.
//!
//! An expression is parsed, every name and function in it is checked, and its type is found. What the
//! engines calculate differently is refused with what to write instead. Nothing is calculated here.

use std::collections::BTreeSet;

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, ObjectName, UnaryOperator, Value,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// Type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit integer.
    Integer,
    /// 64-bit float.
    Double,
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A point in time: it can be passed on, not calculated with.
    Timestamp,
    /// `null`, which fits everywhere.
    Null,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Integer => "an integer",
            Self::Double => "a double",
            Self::Text => "a text",
            Self::Boolean => "a truth value",
            Self::Timestamp => "a time",
            Self::Null => "null",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Double | Self::Null)
    }

    /// What both are, if they can stand in one column.
    pub fn with(self, other: Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Self::Null, other) | (other, Self::Null) => Some(other),
            (Self::Integer, Self::Double) | (Self::Double, Self::Integer) => Some(Self::Double),
            _ => None,
        }
    }
}

/// What is known of the columns that an expression may name.
pub(super) trait Names {
    /// The type of a column.
    fn kind(&self, name: &str) -> Option<Kind>;
    /// A column that may have been meant.
    fn near(&self, name: &str) -> Option<&str>;
}

/// An expression that was found to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    /// Its type.
    pub kind: Kind,
    /// The columns that it names.
    pub columns: BTreeSet<String>,
}

/// Checks an expression. `grouped`: it is of many rows, and has aggregates. The error is a sentence for
/// a person.
pub(super) fn check(text: &str, names: &dyn Names, grouped: bool) -> Result<Checked, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it is longer than {MOST_BYTES} bytes"));
    }
    if text.contains("--") || text.contains("/*") {
        return Err(
            "it has a comment, which would hide what stands behind it in the SELECT".into(),
        );
    }
    let cannot = |e: sqlparser::parser::ParserError| match e {
        sqlparser::parser::ParserError::ParserError(text)
        | sqlparser::parser::ParserError::TokenizerError(text) => {
            format!("it is no SQL expression: {text}")
        }
        sqlparser::parser::ParserError::RecursionLimitExceeded => {
            "it is nested too deeply".to_owned()
        }
    };
    let mut parser = Parser::new(&GenericDialect)
        .try_with_sql(text)
        .map_err(cannot)?;
    let expression = parser.parse_expr().map_err(cannot)?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        return Err(format!("it ends before \"{}\"", rest.token));
    }
    let mut checker = Checker {
        names,
        depth: 0,
        aggregates: grouped,
        outside: grouped,
        columns: BTreeSet::new(),
    };
    let kind = checker.kind(&expression)?;
    Ok(Checked {
        kind,
        columns: checker.columns,
    })
}

/// The longest expression: what is nested in it must not be deeper than the stack.
const MOST_BYTES: usize = 4096;
/// The deepest.
const MOST_DEPTH: usize = 128;

struct Checker<'a> {
    names: &'a dyn Names,
    depth: usize,
    /// Whether an aggregate may stand here: not inside of another one.
    aggregates: bool,
    /// It is of many rows, and this is not inside of an aggregate: columns cannot stand here.
    outside: bool,
    columns: BTreeSet<String>,
}

impl Checker<'_> {
    fn kind(&mut self, expression: &Expr) -> Result<Kind, String> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err("it is nested too deeply".into());
        }
        let kind = self.kind_inside(expression);
        self.depth -= 1;
        kind
    }

    fn kind_inside(&mut self, expression: &Expr) -> Result<Kind, String> {
        match expression {
            Expr::Identifier(name) => self.column(&name.value),
            Expr::Value(value) => literal(&value.value),
            Expr::Nested(inner) => self.kind(inner),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::IsNull(e) | Expr::IsNotNull(e) => self.kind(e).map(|_| Kind::Boolean),
            Expr::IsDistinctFrom(a, b) | Expr::IsNotDistinctFrom(a, b) => self.comparison(a, b),
            Expr::InList { expr, list, .. } => {
                for item in list {
                    self.comparison(expr, item)?;
                }
                Ok(Kind::Boolean)
            }
            Expr::Between {
                expr, low, high, ..
            } => {
                self.comparison(expr, low)?;
                self.comparison(expr, high)
            }
            Expr::Like {
                any: false,
                expr,
                pattern,
                escape_char: None,
                ..
            } => {
                self.expect(expr, Kind::Text)?;
                self.expect(pattern, Kind::Text)?;
                Ok(Kind::Boolean)
            }
            Expr::Case {
                operand: None,
                conditions,
                else_result,
                ..
            } => {
                let mut kind = Kind::Null;
                for when in conditions {
                    self.expect(&when.condition, Kind::Boolean)?;
                    kind = self.unite(kind, &when.result)?;
                }
                match else_result {
                    Some(result) => self.unite(kind, result),
                    None => Ok(kind),
                }
            }
            Expr::Case { .. } => Err("write `case when x = 1 then …`, not `case x when 1`".into()),
            Expr::Cast {
                kind: CastKind::Cast,
                expr,
                data_type,
                array: false,
                format: None,
            } => self.cast(expr, data_type),
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                if *field != CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) {
                    return Err("floor and ceil have one argument here".into());
                }
                self.number(expr)?;
                Ok(Kind::Double)
            }
            Expr::Function(function) => self.function(function),
            other => Err(format!(
                "\"{other}\" is not in the part of SQL that DuckDB, Spark and Polars calculate alike"
            )),
        }
    }

    fn column(&mut self, name: &str) -> Result<Kind, String> {
        let kind = self.names.kind(name).ok_or_else(|| {
            let near = self.names.near(name);
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            format!("there is no column {name}{near}")
        })?;
        if self.outside {
            return Err(format!(
                "{name} is of one packet: put it into max(), min(), sum() or count()"
            ));
        }
        self.columns.insert(name.to_owned());
        Ok(kind)
    }

    fn expect(&mut self, expression: &Expr, wanted: Kind) -> Result<(), String> {
        let found = self.kind(expression)?;
        if found.with(wanted) == Some(wanted) {
            return Ok(());
        }
        Err(format!(
            "\"{expression}\" is {}, and {} is needed there",
            found.name(),
            wanted.name()
        ))
    }

    fn number(&mut self, expression: &Expr) -> Result<Kind, String> {
        let found = self.kind(expression)?;
        if found.is_number() {
            return Ok(found);
        }
        Err(format!(
            "\"{expression}\" is {}, and a number is needed there",
            found.name()
        ))
    }

    /// The kind of a column that has values of `kind` and of an expression.
    fn unite(&mut self, kind: Kind, expression: &Expr) -> Result<Kind, String> {
        let other = self.kind(expression)?;
        kind.with(other).ok_or_else(|| {
            format!(
                "\"{expression}\" is {}, and what stands beside it is {}",
                other.name(),
                kind.name()
            )
        })
    }

    fn comparison(&mut self, a: &Expr, b: &Expr) -> Result<Kind, String> {
        let kind = self.kind(a)?;
        self.unite(kind, b)?;
        Ok(Kind::Boolean)
    }

    fn unary(&mut self, op: UnaryOperator, expression: &Expr) -> Result<Kind, String> {
        match op {
            UnaryOperator::Minus | UnaryOperator::Plus => self.number(expression),
            UnaryOperator::Not => self
                .expect(expression, Kind::Boolean)
                .map(|()| Kind::Boolean),
            _ => Err(format!("the operator {op} is not alike everywhere")),
        }
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Kind, String> {
        use BinaryOperator as B;
        match op {
            B::Plus | B::Minus | B::Multiply => {
                let kind = self.number(left)?;
                self.number(right)?;
                self.unite(kind, right)
            }
            B::Divide => {
                self.number(left)?;
                self.number(right)?;
                divisor(right, "/")?;
                Ok(Kind::Double)
            }
            B::BitwiseAnd => {
                self.expect(left, Kind::Integer)?;
                self.expect(right, Kind::Integer)?;
                Ok(Kind::Integer)
            }
            B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq => self.comparison(left, right),
            B::And | B::Or => {
                self.expect(left, Kind::Boolean)?;
                self.expect(right, Kind::Boolean)?;
                Ok(Kind::Boolean)
            }
            B::StringConcat => {
                self.expect(left, Kind::Text)?;
                self.expect(right, Kind::Text)?;
                Ok(Kind::Text)
            }
            B::Modulo => Err("write mod(a, b), not a % b".into()),
            _ => Err(format!(
                "the operator {op} is not in the part of SQL that DuckDB, Spark and Polars calculate alike"
            )),
        }
    }

    fn cast(&mut self, expression: &Expr, to: &DataType) -> Result<Kind, String> {
        let from = self.kind(expression)?;
        match to {
            DataType::BigInt(None) => {
                let whole = matches!(bare(expression), Expr::Ceil { .. } | Expr::Floor { .. });
                match from {
                    Kind::Integer | Kind::Boolean | Kind::Null => Ok(Kind::Integer),
                    Kind::Double if whole => Ok(Kind::Integer),
                    Kind::Double => {
                        Err("write cast(floor(x) as bigint): casting a double is not alike".into())
                    }
                    _ => Err(format!("{} cannot be cast to an integer", from.name())),
                }
            }
            DataType::Double(_) if from.is_number() => Ok(Kind::Double),
            _ => Err(format!(
                "a cast of {} to {to} is not alike; to bigint and double are",
                from.name()
            )),
        }
    }

    fn function(&mut self, function: &Function) -> Result<Kind, String> {
        let name = plain_name(&function.name).unwrap_or_default();
        let FunctionArguments::List(list) = &function.args else {
            return Err(format!("\"{function}\" has no arguments"));
        };
        let plain = function.filter.is_none()
            && function.over.is_none()
            && function.null_treatment.is_none()
            && function.within_group.is_empty()
            && list.duplicate_treatment.is_none()
            && list.clauses.is_empty();
        if !plain {
            return Err(format!(
                "\"{function}\": filters, windows and distinct are not alike"
            ));
        }
        let arguments: Option<Vec<&Expr>> = list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
                _ => None,
            })
            .collect();
        let arguments =
            arguments.ok_or_else(|| format!("\"{function}\": arguments are expressions"))?;
        match (name.as_str(), &arguments[..]) {
            ("abs" | "sign", [x]) => self.number(x),
            ("sqrt" | "exp" | "floor" | "ceil", [x]) => self.number(x).map(|_| Kind::Double),
            ("pow" | "power", [x, y]) => {
                self.number(x)?;
                self.number(y).map(|_| Kind::Double)
            }
            ("mod", [x, y]) => {
                self.expect(x, Kind::Integer)?;
                self.expect(y, Kind::Integer)?;
                divisor(y, "mod")?;
                Ok(Kind::Integer)
            }
            ("nullif" | "ifnull", [x, y]) => {
                let kind = self.kind(x)?;
                self.unite(kind, y)
            }
            ("coalesce" | "greatest" | "least", [first, rest @ ..]) if !rest.is_empty() => {
                let mut kind = self.kind(first)?;
                for x in rest {
                    kind = self.unite(kind, x)?;
                }
                Ok(kind)
            }
            ("lower", [x]) => self.expect(x, Kind::Text).map(|()| Kind::Text),
            ("length", [x]) => self.expect(x, Kind::Text).map(|()| Kind::Integer),
            ("max" | "min" | "sum" | "count", [x]) => self.aggregate(&name, x),
            _ => Err(format!(
                "the function {name} with {} arguments is not among those that DuckDB, Spark and Polars calculate alike",
                arguments.len()
            )),
        }
    }

    fn aggregate(&mut self, name: &str, argument: &Expr) -> Result<Kind, String> {
        if !self.aggregates {
            return Err(format!(
                "{name}() is of many rows, and this expression is of one"
            ));
        }
        self.aggregates = false;
        self.outside = false;
        let kind = match name {
            "count" => self.kind(argument).map(|_| Kind::Integer),
            // A sum of doubles depends on the order of the rows.
            "sum" => self.expect(argument, Kind::Integer).map(|()| Kind::Integer),
            _ => self.kind(argument),
        };
        self.aggregates = true;
        self.outside = true;
        kind
    }
}

fn plain_name(name: &ObjectName) -> Option<String> {
    match &name.0[..] {
        [part] => Some(part.as_ident()?.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// Without the brackets around it.
fn bare(expression: &Expr) -> &Expr {
    match expression {
        Expr::Nested(inner) => bare(inner),
        other => other,
    }
}

/// Division by zero is an error, null or infinity: a divisor is a number, or nullif(x, 0).
fn divisor(expression: &Expr, what: &str) -> Result<(), String> {
    let good = match bare(expression) {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse::<f64>().is_ok_and(|n| n != 0.0),
            _ => false,
        },
        Expr::Function(function) => is_nullif_zero(function),
        _ => false,
    };
    if good {
        return Ok(());
    }
    Err(format!(
        "the divisor of {what} may be zero, and what comes out then is not alike: write nullif({expression}, 0)"
    ))
}

/// `nullif(x, 0)`.
fn is_nullif_zero(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else {
        return false;
    };
    let zero = match list.args.get(1) {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))) => match &value.value
        {
            Value::Number(text, _) => text.parse() == Ok(0i64),
            _ => false,
        },
        _ => false,
    };
    zero && plain_name(&function.name).as_deref() == Some("nullif")
}

fn literal(value: &Value) -> Result<Kind, String> {
    match value {
        Value::Number(text, _) if text.contains(['.', 'e', 'E']) => Err(format!(
            "{text} is a decimal in some engines and a double in others: write a fraction, 3 / 2"
        )),
        Value::Number(text, _) if text.parse::<i64>().is_err() => {
            Err(format!("{text} does not fit into 64 bits"))
        }
        Value::Number(..) => Ok(Kind::Integer),
        Value::SingleQuotedString(_) => Ok(Kind::Text),
        Value::Boolean(_) => Ok(Kind::Boolean),
        Value::Null => Ok(Kind::Null),
        other => Err(format!("{other} is no number, 'text', true, false or null")),
    }
}

#[cfg(test)]
mod tests;
