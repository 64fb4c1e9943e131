//! Graphs from text, for tests and for hand-made experiments.

use std::str::FromStr;

use thiserror::Error;

use crate::{Graph, GraphBuilder, GraphError, NodeId, Op, SeparableInner, Shape};

impl Graph {
    /// Reads a graph from the text form of [`Graph::to_text`].
    ///
    /// What can be inferred may be left out when a graph is written by hand: the shape of every node but the input, and
    /// the parameter set, which is then the next one. Empty lines and what follows `//` are skipped.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Graph, ParseError> {
        let mut builder: Option<GraphBuilder> = None;
        let mut lines = (1..).zip(text.lines()).filter_map(|(number, line)| {
            let tokens = tokens(line.split("//").next().unwrap_or(line));
            (!tokens.is_empty()).then_some(Line { number, tokens, position: 0 })
        });
        for (node, mut line) in lines.by_ref().enumerate() {
            if line.take("output") {
                let output = line.node()?;
                line.end()?;
                let builder = builder.ok_or(ParseError { line: line.number, problem: Problem::Empty })?;
                let graph = builder.finish(output).map_err(|error| line.error(Problem::Graph(error)))?;
                return match lines.next() {
                    None => Ok(graph),
                    Some(more) => Err(more.error(Problem::AfterOutput)),
                };
            }
            line.number_of_node(node)?;
            match &mut builder {
                None => builder = Some(line.input()?),
                Some(builder) => line.operation(builder)?,
            }
        }
        Err(ParseError { line: text.lines().count().max(1), problem: Problem::NoOutput })
    }
}

impl FromStr for Graph {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Graph, ParseError> {
        Graph::parse(text)
    }
}

/// Why a text is no graph.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    #[source]
    pub problem: Problem,
}

/// What is wrong in a line of the text form of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum Problem {
    #[error("expected {expected}, found {found}")]
    Expected { expected: String, found: String },
    #[error("nodes are numbered from %0 without gaps: expected %{expected}, found {found}")]
    Number { expected: usize, found: NodeId },
    #[error("`{name}` is no operation; there are {names}")]
    UnknownOperation { name: String, names: &'static str },
    #[error("{op} gives {inferred}, but {written} is written")]
    Shape { op: Op, inferred: Shape, written: Shape },
    #[error("{0}")]
    Graph(GraphError),
    #[error("the graph has no nodes before its output")]
    Empty,
    #[error("the text ends without a line such as `output %3`")]
    NoOutput,
    #[error("nothing may follow the output")]
    AfterOutput,
}

const NAMES: &str =
    "input, conv, depthwise, separable, max_pool, avg_pool, identity, concat, sum, global_avg_pool, linear";

/// Cuts a line into words and the signs `=`, `(`, `)`, `,` and `:`.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in line.split_whitespace() {
        let mut rest = word;
        while let Some(place) = rest.find(['=', '(', ')', ',', ':']) {
            // The signs are ASCII, so one byte each.
            tokens.extend([&rest[..place], &rest[place..=place]].into_iter().filter(|token| !token.is_empty()));
            rest = &rest[place + 1..];
        }
        tokens.extend(Some(rest).filter(|rest| !rest.is_empty()));
    }
    tokens
}

/// A line that is being read.
struct Line<'a> {
    number: usize,
    tokens: Vec<&'a str>,
    position: usize,
}

impl<'a> Line<'a> {
    fn error(&self, problem: Problem) -> ParseError {
        ParseError { line: self.number, problem }
    }

    fn expected(&self, expected: &str) -> ParseError {
        let found = self.tokens.get(self.position).map_or("the end of the line".to_owned(), |word| format!("`{word}`"));
        self.error(Problem::Expected { expected: expected.to_owned(), found })
    }

    /// Goes past the next token if it is this one.
    fn take(&mut self, token: &str) -> bool {
        let is_next = self.tokens.get(self.position) == Some(&token);
        self.position += usize::from(is_next);
        is_next
    }

    fn demand(&mut self, token: &str) -> Result<(), ParseError> {
        if self.take(token) { Ok(()) } else { Err(self.expected(&format!("`{token}`"))) }
    }

    /// Goes past the next token if `read` makes something of it.
    fn value<T>(&mut self, expected: &str, read: impl Fn(&'a str) -> Option<T>) -> Result<T, ParseError> {
        let value = self.tokens.get(self.position).and_then(|token| read(token));
        let value = value.ok_or_else(|| self.expected(expected))?;
        self.position += 1;
        Ok(value)
    }

    fn end(&self) -> Result<(), ParseError> {
        if self.position == self.tokens.len() { Ok(()) } else { Err(self.expected("the end of the line")) }
    }

    fn node(&mut self) -> Result<NodeId, ParseError> {
        let read = |token: &str| number(token.strip_prefix('%')?).map(NodeId::from_number);
        self.value("a node such as %3", read)
    }

    fn number_of_node(&mut self, expected: usize) -> Result<(), ParseError> {
        let found = self.node()?;
        if found.index() != expected {
            return Err(self.error(Problem::Number { expected, found }));
        }
        self.demand("=")
    }

    fn shape(&mut self) -> Result<Shape, ParseError> {
        self.value("a shape such as 16x32x32", |token| token.parse().ok())
    }

    /// `input : 3x32x32`
    fn input(&mut self) -> Result<GraphBuilder, ParseError> {
        self.demand("input")?;
        self.demand(":")?;
        let shape = self.shape()?;
        self.end()?;
        GraphBuilder::new(shape).map_err(|error| self.error(Problem::Graph(error)))
    }

    /// `conv 3x3 stride 1 channels 16 (%0) : 16x32x32 param 0`
    fn operation(&mut self, builder: &mut GraphBuilder) -> Result<(), ParseError> {
        let op = self.op()?;
        let mut inputs = Vec::new();
        if self.take("(") {
            inputs.push(self.node()?);
            while self.take(",") {
                inputs.push(self.node()?);
            }
            self.demand(")")?;
        }
        let written = if self.take(":") { Some(self.shape()?) } else { None };
        let param = if self.take("param") { Some(self.value("a parameter set such as 7", number)?) } else { None };
        self.end()?;
        let id = builder.push_with(op, inputs, param).map_err(|error| self.error(Problem::Graph(error)))?;
        match (builder.shape(id), written) {
            (Some(inferred), Some(written)) if inferred != written => {
                Err(self.error(Problem::Shape { op, inferred, written }))
            }
            _ => Ok(()),
        }
    }

    fn op(&mut self) -> Result<Op, ParseError> {
        let name = self.value("an operation", Some)?;
        Ok(match name {
            "input" => Op::Input,
            "conv" => {
                let read = |token: &str| match token.split_once('x') {
                    Some((rows, columns)) if rows == columns => number(rows),
                    Some(_) | None => None,
                };
                let kernel = self.value("a square kernel such as 3x3", read)? as usize;
                Op::Conv { kernel, stride: self.attribute("stride")?, channels: self.attribute("channels")? }
            }
            "depthwise" => Op::Depthwise { stride: self.attribute("stride")? },
            "separable" => {
                let (stride, channels) = (self.attribute("stride")?, self.attribute("channels")?);
                self.demand("inner")?;
                let inner = self.value("Nothing, BatchNorm or BatchNormRelu", SeparableInner::from_name)?;
                Op::Separable { stride, channels, inner }
            }
            "max_pool" => Op::MaxPool,
            "avg_pool" => Op::AvgPool,
            "identity" => Op::Identity,
            "concat" => Op::Concat,
            "sum" => Op::Sum,
            "global_avg_pool" => Op::GlobalAvgPool,
            "linear" => Op::Linear { classes: self.attribute("classes")? },
            _ => return Err(self.error(Problem::UnknownOperation { name: name.to_owned(), names: NAMES })),
        })
    }

    fn attribute(&mut self, name: &str) -> Result<usize, ParseError> {
        self.demand(name)?;
        Ok(self.value("a number", number)? as usize)
    }
}

/// A plain decimal number below 2^32. `parse` alone would take a sign as well.
fn number(token: &str) -> Option<u32> {
    if token.bytes().all(|byte| byte.is_ascii_digit()) { token.parse().ok() } else { None }
}
