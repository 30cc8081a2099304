//! The fields of a request as command-line options, made from the crate's table, which has their
//! names, texts and checks.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use darkroom::Result;
use darkroom::diffusion::Sampler;
use darkroom::pipeline::Request;
use darkroom::request::{Field, FieldType, field, fields};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::marker::PhantomData;

/// The fields for which a command has options.
pub(crate) trait Choice {
    /// Whether this is one of them.
    fn takes(field: &Field) -> bool;
}

/// All fields.
pub(crate) struct All;

/// The fields of a command that has its own options for prompts and seeds.
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
        matches!(field.info.kind, FieldType::Side)
    }
}

/// The fields that were given on the command line.
pub(crate) struct RequestArgs<C> {
    given: Vec<(&'static Field, String)>,
    choice: PhantomData<C>,
}

impl<C> RequestArgs<C> {
    /// The request; fields that were not given have their defaults.
    ///
    /// # Errors
    /// For text that was not checked when the arguments were parsed.
    pub(crate) fn request(&self) -> Result<Request> {
        self.over(Request::default())
    }

    /// The given request, changed by the fields of the command line.
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
    let arg = if field.info.faster { arg.help_heading("Faster, not exact") } else { arg };
    // The name and the values of earlier versions.
    let arg = if field.name == "sigmas" { arg.alias("karras") } else { arg };
    if is_switch(field) {
        return arg.action(ArgAction::SetTrue);
    }
    let value_name = match field.info.kind {
        FieldType::Interval => "START,END".into(),
        _ => field.flag().to_uppercase().replace('-', "_"),
    };
    let arg = arg.value_name(value_name).allow_negative_numbers(true);
    let arg = arg.value_parser(move |text: &str| checked(field, text));
    if field.optional || matches!(field.info.kind, FieldType::Text) {
        return arg;
    }
    arg.default_value(match field.info.kind {
        FieldType::Interval => "0,1".to_owned(),
        _ => Request::default().value(field).to_string(),
    })
}

/// Whether its option has no value.
fn is_switch(field: &Field) -> bool {
    matches!(field.info.kind, FieldType::Flag) && !field.optional
}

/// The option of earlier versions that chose a syntax of prompts.
const WEIGHTS: &str = "prompt_weights";

/// The field of that syntax, if it is one of those for which there are options.
fn syntax<C: Choice>() -> Option<&'static Field> {
    field("prompt_syntax").filter(|field| C::takes(field))
}

/// `--prompt-weights`, which is still read.
fn earlier_flag(syntax: &Field) -> Arg {
    let arg = Arg::new(WEIGHTS).long("prompt-weights").action(ArgAction::SetTrue);
    arg.hide(true).conflicts_with(syntax.name)
}

/// The option's help: what the field does, its values, and its default.
fn help(field: &Field) -> String {
    let samplers = Sampler::ALL.map(Sampler::name);
    let mut sentences = vec![field.about.trim_end_matches('.').replace('`', "")];
    if let Some(names) = field.names(&samplers) {
        sentences.push(format!("Values: {}", names.join(", ")));
    } else if matches!(field.info.kind, FieldType::Seed) {
        sentences.push(format!("Values: {}, or -1 for one by chance", field.wanted()));
    } else if !matches!(field.info.kind, FieldType::Text | FieldType::Interval) && !is_switch(field)
    {
        sentences.push(format!("Values: {}", field.wanted()));
    }
    if let Some(without) = field.info.without {
        sentences.push(format!("When left out: {without}"));
    }
    sentences.join(". ")
}

/// Checks a value's text by its type; a seed of -1 becomes a random one.
fn checked(field: &Field, text: &str) -> Result<String, String> {
    if matches!(field.info.kind, FieldType::Seed) && text == "-1" {
        // The standard library's random keys for hash maps.
        return Ok(RandomState::new().hash_one(0).to_string());
    }
    match Request::default().set_text(field, text) {
        Ok(()) => Ok(text.to_owned()),
        Err(_) => Err(format!("must be {}", field.wanted())),
    }
}

impl<C: Choice> clap::Args for RequestArgs<C> {
    fn augment_args(command: Command) -> Command {
        let command = command.args(fields().filter(|field| C::takes(field)).map(argument));
        match syntax::<C>() {
            Some(syntax) => command.arg(earlier_flag(syntax)),
            None => command,
        }
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
        let given = fields().filter(was_given).map(text);
        let mut given = given.collect::<Result<Vec<_>, clap::Error>>()?;
        let weights = syntax::<C>().filter(|_| matches.get_flag(WEIGHTS));
        given.extend(weights.map(|field| (field, "true".to_owned())));
        Ok(RequestArgs { given, choice: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
