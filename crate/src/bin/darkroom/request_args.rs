//! The fields of a request as options of the program, made from the crate's table: names, texts and
//! checks are written there once.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use darkroom::Result;
use darkroom::diffusion::Sampler;
use darkroom::pipeline::Request;
use darkroom::request::{Field, FieldType, fields};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::marker::PhantomData;

/// The fields that a command takes.
pub(crate) trait Choice {
    /// Whether this is one of them.
    fn takes(field: &Field) -> bool;
}

/// All of them.
pub(crate) struct All;

/// Those of a command that has prompts and seeds of its own.
pub(crate) struct Settings;

/// Width and height.
pub(crate) struct Size;

impl Choice for All {
    fn takes(_: &Field) -> bool {
        true
    }
}

impl Choice for Settings {
    fn takes(field: &Field) -> bool {
        !["prompt", "seed", "count"].contains(&field.name)
    }
}

impl Choice for Size {
    fn takes(field: &Field) -> bool {
        matches!(field.facts.kind, FieldType::Side)
    }
}

/// What was given of a request on the command line.
pub(crate) struct RequestArgs<C> {
    given: Vec<(&'static Field, String)>,
    choice: PhantomData<C>,
}

impl<C> RequestArgs<C> {
    /// The request; what was not given has its default.
    ///
    /// # Errors
    /// None but for text that was not checked when it was given.
    pub(crate) fn request(&self) -> Result<Request> {
        self.over(Request::default())
    }

    /// The request; what was not given is as here.
    ///
    /// # Errors
    /// As [`RequestArgs::request`].
    pub(crate) fn over(&self, mut request: Request) -> Result<Request> {
        for (field, text) in &self.given {
            request.set_text(field, text)?;
        }
        Ok(request)
    }
}

/// The option of a field.
fn argument(field: &'static Field) -> Arg {
    let arg = Arg::new(field.name).long(field.flag()).help(help(field));
    let arg = if field.facts.faster { arg.help_heading("Faster, not exact") } else { arg };
    if is_switch(field) {
        return arg.action(ArgAction::SetTrue);
    }
    let value_name = match field.facts.kind {
        FieldType::Interval => "START,END".into(),
        _ => field.flag().to_uppercase().replace('-', "_"),
    };
    let arg = arg.value_name(value_name).allow_negative_numbers(true);
    let arg = arg.value_parser(move |text: &str| checked(field, text));
    if field.optional || matches!(field.facts.kind, FieldType::Text) {
        return arg;
    }
    arg.default_value(match field.facts.kind {
        FieldType::Interval => "0,1".to_owned(),
        _ => Request::default().value(field).to_string(),
    })
}

/// Whether its option stands alone, without a value.
fn is_switch(field: &Field) -> bool {
    matches!(field.facts.kind, FieldType::Flag) && !field.optional
}

/// What the field does, what it may be, what holds without it.
fn help(field: &Field) -> String {
    let samplers = Sampler::ALL.map(Sampler::name);
    let mut sentences = vec![field.about.trim_end_matches('.').replace('`', "")];
    if let Some(names) = field.names(&samplers) {
        sentences.push(format!("Values: {}", names.join(", ")));
    } else if matches!(field.facts.kind, FieldType::Seed) {
        sentences.push(format!("Values: {}, or -1 for one by chance", field.wanted()));
    } else if !matches!(field.facts.kind, FieldType::Text | FieldType::Interval)
        && !is_switch(field)
    {
        sentences.push(format!("Values: {}", field.wanted()));
    }
    if let Some(without) = field.facts.without {
        sentences.push(format!("When left out: {without}"));
    }
    sentences.join(". ")
}

/// A value's text, checked for its type; a seed of -1 is any.
fn checked(field: &Field, text: &str) -> Result<String, String> {
    if matches!(field.facts.kind, FieldType::Seed) && text == "-1" {
        // The standard library's own chance, of which each map has its own.
        return Ok(RandomState::new().hash_one(0).to_string());
    }
    match Request::default().set_text(field, text) {
        Ok(()) => Ok(text.to_owned()),
        Err(_) => Err(format!("must be {}", field.wanted())),
    }
}

impl<C: Choice> clap::Args for RequestArgs<C> {
    fn augment_args(command: Command) -> Command {
        command.args(fields().filter(|field| C::takes(field)).map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<C: Choice> clap::FromArgMatches for RequestArgs<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let was_given = |field: &&Field| {
            C::takes(field) && matches.value_source(field.name) == Some(ValueSource::CommandLine)
        };
        let text = |field: &'static Field| {
            let text = match is_switch(field) {
                true => "true".to_owned(),
                false => matches.get_one::<String>(field.name).cloned().ok_or_else(|| {
                    clap::Error::raw(ErrorKind::MissingRequiredArgument, field.flag())
                })?,
            };
            Ok((field, text))
        };
        let given = fields().filter(was_given).map(text).collect::<Result<_, clap::Error>>()?;
        Ok(RequestArgs { given, choice: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
