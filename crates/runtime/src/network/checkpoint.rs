//! Checkpoints: the state of a whole network as bytes, from which another OS process goes
//! on, in a network that has been wired the same way.
//!
//! # The form
//! `CUTSTATE`, the version, the length of what follows, a checksum of it; then for each
//! process, in the order in which they were added, its name, the declarations of its slots
//! and row buffers, its status, the time left to its timer, their values, its counts, and
//! where its edges are attached, where they count and why they were closed; for each flow
//! point its name and counts; the blocks that are being dealt out; and what was lost at flow
//! points that are gone. Numbers are little-endian, of 64 bits.
//!
//! Everything is compared with the network that it is restored into before anything there is
//! changed, so that a checkpoint that does not fit, or is damaged, changes nothing.

use std::time::Duration;

use cutthrough_ir::image::{ImageReader, put_bytes, put_u64, put_value};
use cutthrough_ir::{ElementBlock, ElementType, RowsDecl};

use rustc_hash::FxHashMap;

use super::Network;
use crate::error::{Error, ErrorKind};
use crate::fate::Close;
use crate::limits::CHECKPOINT_BYTES_MAX;
use crate::wiring::{Node, PointId, Port, ProcessId, Status};

const MAGIC: &[u8; 8] = b"CUTSTATE";
const VERSION: u64 = 4;

impl Network {
    /// The state of all processes and flow points, as bytes that
    /// [`restore`](Network::restore) takes. Between two runs, or by a
    /// [`Handle`](crate::Handle), it is the state at one point of the stream.
    ///
    /// # Errors
    /// When a process keeps state that it has not declared
    /// ([`Shape::state_is_declared`](crate::Shape::state_is_declared)), when one has failed,
    /// or the state is larger than
    /// [`CHECKPOINT_BYTES_MAX`](crate::limits::CHECKPOINT_BYTES_MAX).
    pub fn checkpoint(&self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let numbers: FxHashMap<PointId, u64> = self.wiring.points.keys().zip(0..).collect();
        put_u64(&mut body, self.wiring.nodes.len() as u64);
        for (process, node) in &self.wiring.nodes {
            if !node.is_declared {
                let name = &node.name;
                return Err(refused(format!(
                    "`{name}` keeps state in host functions, and has not said that slots and row buffers are all (`Shape::state_is_declared`)"
                )));
            }
            if node.is_failed || node.is_leaving {
                return Err(refused(format!(
                    "`{}` has failed, or is being removed",
                    node.name
                )));
            }
            self.save_process(process, node, &numbers, &mut body);
            if body.len() > CHECKPOINT_BYTES_MAX {
                return Err(refused(format!(
                    "the state takes more than {CHECKPOINT_BYTES_MAX} bytes"
                )));
            }
        }
        put_u64(&mut body, self.wiring.points.len() as u64);
        for (_, point) in &self.wiring.points {
            put_bytes(&mut body, point.name.as_bytes());
            for counter in [point.lost, point.departed_put, point.departed_taken] {
                put_u64(&mut body, self.counts.get(counter));
            }
        }
        put_u64(&mut body, self.simplexes.blocks().count() as u64);
        for (point, elements, next) in self.simplexes.blocks() {
            save_deal(numbers[&point], elements, next, &mut body);
        }
        put_u64(&mut body, self.lost_at_removed);
        Ok(sealed(MAGIC, VERSION, &body))
    }

    /// Goes on from a checkpoint of a network that was wired the same way: with the same
    /// processes and flow points, added and attached in the same order. This one must not
    /// have run yet.
    ///
    /// # Errors
    /// When the bytes are no checkpoint, of another version, damaged, or of a network that
    /// differs; the message says where. Nothing has changed then.
    pub fn restore(&mut self, image: &[u8]) -> Result<(), Error> {
        if self.wiring.nodes.values().any(|node| self.has_moved(node)) || !self.simplexes.are_done() {
            return Err(refused(
                "a network that has run already cannot be restored into".to_owned(),
            ));
        }
        let restored = self.try_restore(image);
        if restored.is_err() {
            for node in self.wiring.nodes.values() {
                for &rows in &*node.rows {
                    self.state.rows_mut(rows).truncate(0);
                }
            }
        }
        restored.map_err(|why| refused(format!("the checkpoint does not fit: {why}")))
    }

    fn try_restore(&mut self, image: &[u8]) -> Result<(), String> {
        let mut from = ImageReader::new(unsealed(MAGIC, VERSION, image, "checkpoint")?);
        let processes: Vec<ProcessId> = self.wiring.nodes.keys().collect();
        let points: Vec<PointId> = self.wiring.points.keys().collect();
        same_number("processes", from.count()?, processes.len())?;
        let mut read = Vec::new();
        for &process in &processes {
            let node = self.wiring.node(process).clone();
            let name = node.name.clone();
            let saved = self.load_process(&node, &points, &mut from);
            read.push(saved.map_err(|why| format!("process `{name}`: {why}"))?);
        }
        same_number("flow points", from.count()?, points.len())?;
        let mut counts = Vec::new();
        for &id in &points {
            let point = self.wiring.point(id);
            same_name(from.bytes()?, &point.name)?;
            for counter in [point.lost, point.departed_put, point.departed_taken] {
                counts.push((counter, from.u64()?));
            }
        }
        let mut deals = Vec::new();
        for _ in 0..from.count()? {
            deals.push(self.load_deal(&points, &mut from)?);
        }
        let lost_at_removed = from.u64()?;
        if !from.is_at_end() {
            return Err("there is more than it speaks of".to_owned());
        }
        self.lost_at_removed = lost_at_removed;
        for (counter, count) in counts {
            self.counts.values[counter as usize] = count;
        }
        for (point, elements) in deals {
            self.begin_deal(point, elements);
        }
        for (&process, saved) in processes.iter().zip(read) {
            self.take(process, saved)?;
        }
        // Where there is a block, the point is dealt until that is.
        for point in self.in_deals() {
            self.wiring.point_mut(point);
        }
        self.rearrange().expect("detaching closes no cycle");
        self.invalidate_all();
        for process in processes {
            self.note(process);
        }
        Ok(())
    }

    fn has_moved(&self, node: &Node) -> bool {
        let inputs = node.inputs.iter().map(|edge| edge.count);
        let outputs = node.outputs.iter().map(|edge| edge.count);
        inputs.chain(outputs).any(|counter| self.counts.get(counter) > 0)
    }

    fn save_process(
        &self,
        process: ProcessId,
        node: &Node,
        points: &FxHashMap<PointId, u64>,
        into: &mut Vec<u8>,
    ) {
        put_bytes(into, node.name.as_bytes());
        put_bytes(into, declarations(node).as_bytes());
        put_u64(into, self.state.i64(node.status).cast_unsigned());
        into.push(node.is_retired.into());
        self.save_timer(process, into);
        for &place in &*node.places {
            self.state.save(place, into);
        }
        for &rows in &*node.rows {
            self.state.rows(rows).save(into);
        }
        for &counter in &*node.drops {
            put_u64(into, self.counts.get(counter));
        }
        put_u64(into, node.handed_back);
        put_u64(into, node.merged);
        put_u64(into, node.dropped_before.len() as u64);
        for (policy, count) in &node.dropped_before {
            put_bytes(into, policy.as_bytes());
            put_u64(into, *count);
        }
        for elsewhere in &node.elsewhere {
            put_u64(into, elsewhere.cast_unsigned());
        }
        for edge in &node.inputs {
            put_u64(into, self.counts.get(edge.count));
            put_u64(into, self.counts.get(edge.late));
            save_point(points, edge.point, into);
            save_point(points, edge.home, into);
            put_u64(into, edge.before_home);
            put_close(into, edge.closed.as_ref());
        }
        for edge in &node.outputs {
            put_u64(into, self.counts.get(edge.count));
            put_u64(into, self.counts.get(edge.lost));
            save_point(points, edge.point, into);
            save_point(points, edge.home, into);
            put_u64(into, edge.before_home);
            put_close(into, edge.closed.as_ref());
        }
        let due = self.ends_due.get(&process).into_iter().flatten();
        put_u64(into, due.clone().count() as u64);
        due.for_each(|&port| put_u64(into, port as u64));
    }

    /// Reads a process's part, and what of its state changes nothing as long as the network
    /// does not run: the row buffers.
    fn load_process(
        &mut self,
        node: &Node,
        points: &[PointId],
        from: &mut ImageReader<'_>,
    ) -> Result<Saved, String> {
        same_name(from.bytes()?, &node.name)?;
        let (saved, here) = (from.bytes()?, declarations(node));
        if saved != here.as_bytes() {
            let saved = String::from_utf8_lossy(saved);
            return Err(format!(
                "it has the state\n{here}but the checkpoint is of\n{saved}"
            ));
        }
        let mut read = Saved {
            status: from.u64()?.cast_signed(),
            is_retired: from.bool()?,
            timer: load_timer(from)?,
            ..Saved::default()
        };
        // Slots are set when it is known that everything fits; here they are looked at.
        read.slots = vec![Vec::new(); node.places.len()];
        for (slot, &place) in read.slots.iter_mut().zip(&*node.places) {
            let value = from.scalar(place.ty())?;
            put_value(slot, value, place.ty());
        }
        for &rows in &*node.rows {
            self.state.rows_mut(rows).load(from)?;
        }
        for _ in &*node.drops {
            read.drops.push(from.u64()?);
        }
        (read.handed_back, read.merged) = (from.u64()?, from.u64()?);
        for _ in 0..from.count()? {
            let policy = String::from_utf8_lossy(from.bytes()?).into_owned();
            read.dropped_before.push((policy, from.u64()?));
        }
        for _ in &node.elsewhere {
            read.elsewhere.push(from.u64()?.cast_signed());
        }
        let inputs = node.inputs.iter().map(|edge| edge.point);
        let outputs = node.outputs.iter().map(|edge| edge.point);
        for (number, here) in inputs.chain(outputs).enumerate() {
            let edge = SavedEdge {
                counts: [from.u64()?, from.u64()?],
                point: load_point(points, from)?,
                home: load_point(points, from)?,
                before_home: from.u64()?,
                closed: close_of(from)?,
            };
            // One that is closed may be attached here: it is detached then.
            if edge.point != here && edge.closed.is_none() {
                let output = number.checked_sub(node.inputs.len());
                let port = output.map_or(format!("input {number}"), |output| format!("output {output}"));
                return Err(format!("its {port} was attached elsewhere, or not at all"));
            }
            read.edges.push(edge);
        }
        for _ in 0..from.count()? {
            let port = from.u64()? as usize;
            if port >= node.inputs.len() {
                return Err(format!("it has no input {port}"));
            }
            read.due.push(port);
        }
        Ok(read)
    }

    /// Gives a process the state that was read.
    fn take(&mut self, process: ProcessId, saved: Saved) -> Result<(), String> {
        let node = self.wiring.node(process).clone();
        self.state.set_i64(node.status, saved.status);
        let timer = saved.timer.map(|left| self.context.now().saturating_add(left));
        self.timers.set(process, timer);
        // What it waited for was of another OS process.
        if node.wakes.has_waker {
            self.resume(process);
        }
        for (&place, slot) in node.places.iter().zip(&saved.slots) {
            self.state.load(place, &mut ImageReader::new(slot))?;
        }
        for (&counter, &count) in node.drops.iter().zip(&saved.drops) {
            self.counts.values[counter as usize] = count;
        }
        let (inputs, outputs) = saved.edges.split_at(node.inputs.len());
        for (port, saved) in inputs.iter().enumerate() {
            let edge = &node.inputs[port];
            [edge.count, edge.late]
                .into_iter()
                .zip(saved.counts)
                .for_each(|(counter, count)| self.counts.values[counter as usize] = count);
            let now = &mut self.wiring.node_mut(process).inputs[port];
            (now.home, now.before_home) = (saved.home, saved.before_home);
            if saved.closed.is_some() {
                now.closed.clone_from(&saved.closed);
                if let Some(point) = now.point.take() {
                    let readers = &mut self.wiring.point_mut(point).readers;
                    readers.retain(|reader| *reader != Port { process, port });
                }
            }
        }
        for (port, saved) in outputs.iter().enumerate() {
            let edge = &node.outputs[port];
            [edge.count, edge.lost]
                .into_iter()
                .zip(saved.counts)
                .for_each(|(counter, count)| self.counts.values[counter as usize] = count);
            let now = &mut self.wiring.node_mut(process).outputs[port];
            (now.home, now.before_home) = (saved.home, saved.before_home);
            if saved.closed.is_some() {
                now.closed.clone_from(&saved.closed);
                if let Some(point) = now.point.take() {
                    let writers = &mut self.wiring.point_mut(point).writers;
                    writers.retain(|writer| *writer != Port { process, port });
                }
            }
        }
        let now = self.wiring.node_mut(process);
        now.handed_back = saved.handed_back;
        now.merged = saved.merged;
        now.dropped_before = saved.dropped_before;
        now.elsewhere = saved.elsewhere;
        now.is_retired = saved.is_retired;
        if !saved.due.is_empty() {
            self.ends_due.insert(process, saved.due.into());
        }
        if saved.is_retired {
            self.retired.insert(process);
        }
        if !saved.is_retired && Status::of(saved.status).is_over() {
            self.unsettled.push(process);
        }
        Ok(())
    }

    /// The time that is left to the timer of a process: other networks count theirs from
    /// elsewhere.
    fn save_timer(&self, process: ProcessId, into: &mut Vec<u8>) {
        let at = self.timers.of(process);
        into.push(at.is_some().into());
        if let Some(at) = at {
            let left = at.saturating_sub(self.context.now());
            put_u64(into, u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    fn load_deal(
        &self,
        points: &[PointId],
        from: &mut ImageReader<'_>,
    ) -> Result<(PointId, ElementBlock), String> {
        let number = from.u64()? as usize;
        let &point = points
            .get(number)
            .ok_or_else(|| format!("there is no flow point {number}"))?;
        let element: ElementType = self.wiring.point(point).element.clone();
        let mut block = ElementBlock::new(element.clone());
        for _ in 0..from.count()? {
            let mut values = Vec::new();
            for &ty in element.fields() {
                values.push(from.scalar(ty)?);
            }
            block.push_values(&values);
        }
        Ok((point, block))
    }
}

/// What was read of a process.
#[derive(Default)]
struct Saved {
    status: i64,
    is_retired: bool,
    /// The time left to its timer, if that is set.
    timer: Option<Duration>,
    slots: Vec<Vec<u8>>,
    drops: Vec<u64>,
    handed_back: u64,
    merged: u64,
    dropped_before: Vec<(String, u64)>,
    elsewhere: Vec<i64>,
    /// The inputs, then the outputs.
    edges: Vec<SavedEdge>,
    due: Vec<usize>,
}

struct SavedEdge {
    /// What it has moved, and what came late or was lost.
    counts: [u64; 2],
    point: Option<PointId>,
    home: Option<PointId>,
    before_home: u64,
    closed: Option<Close>,
}

/// What a process declares of its state, as text: the same for those that can go on from
/// each other's.
pub(super) fn declarations(node: &Node) -> String {
    use std::fmt::Write;
    let tables = node.code.tables();
    let mut text = String::new();
    for slot in &tables.slots {
        let _ = writeln!(text, "  slot `{}`: {}", slot.name, slot.ty);
    }
    for RowsDecl {
        name, columns, key, ..
    } in &tables.rows
    {
        let _ = writeln!(text, "  rows `{name}`, key {key}");
        for column in columns {
            let _ = writeln!(text, "    `{}`: {}", column.name, column.ty);
        }
    }
    let (inputs, outputs) = (tables.inputs.len(), tables.outputs.len());
    let _ = writeln!(
        text,
        "  {inputs} inputs, {outputs} outputs, policies {:?}",
        tables.drops
    );
    text
}

fn save_deal(point: u64, elements: &ElementBlock, next: usize, into: &mut Vec<u8>) {
    put_u64(into, point);
    put_u64(into, (elements.len() - next) as u64);
    let types = elements.element().fields();
    for index in next..elements.len() {
        for (value, &ty) in elements.get(index).iter().zip(types) {
            put_value(into, value, ty);
        }
    }
}

/// A flow point of an edge: none, or the one of a number. One that is gone has left its counts
/// to the network.
fn save_point(points: &FxHashMap<PointId, u64>, point: Option<PointId>, into: &mut Vec<u8>) {
    let number = point.and_then(|point| points.get(&point));
    put_u64(into, number.map_or(0, |number| 1 + number));
}

fn load_point(points: &[PointId], from: &mut ImageReader<'_>) -> Result<Option<PointId>, String> {
    let Some(number) = from.u64()?.checked_sub(1) else {
        return Ok(None);
    };
    let point = points.get(number as usize);
    point
        .copied()
        .map(Some)
        .ok_or_else(|| format!("there is no flow point {number}"))
}

fn load_timer(from: &mut ImageReader<'_>) -> Result<Option<Duration>, String> {
    Ok(match from.bool()? {
        true => Some(Duration::from_nanos(from.u64()?)),
        false => None,
    })
}

fn put_close(into: &mut Vec<u8>, close: Option<&Close>) {
    into.push(match close {
        None => 0,
        Some(Close::Ended) => 1,
        Some(Close::Cancelled) => 2,
        Some(Close::Failed(_)) => 3,
    });
    if let Some(Close::Failed(error)) = close {
        put_bytes(into, error.to_string().as_bytes());
    }
}

fn close_of(from: &mut ImageReader<'_>) -> Result<Option<Close>, String> {
    Ok(match from.u8()? {
        0 => None,
        1 => Some(Close::Ended),
        2 => Some(Close::Cancelled),
        3 => {
            let message = String::from_utf8_lossy(from.bytes()?).into_owned();
            Some(Close::Failed(Error::new(ErrorKind::Failed, message)))
        }
        other => return Err(format!("{other} is no reason for an edge to be closed")),
    })
}

/// A body behind what it is, its version, its length and a checksum.
pub(super) fn sealed(magic: &[u8; 8], version: u64, body: &[u8]) -> Vec<u8> {
    let mut image = magic.to_vec();
    for number in [version, body.len() as u64, checksum(body)] {
        put_u64(&mut image, number);
    }
    image.extend(body);
    image
}

/// The body of bytes that have to be `what`, of this version.
pub(super) fn unsealed<'i>(
    magic: &[u8; 8],
    version: u64,
    image: &'i [u8],
    what: &str,
) -> Result<&'i [u8], String> {
    let Some(rest) = image.strip_prefix(magic) else {
        return Err(format!("these bytes are no {what}"));
    };
    let mut head = ImageReader::new(rest);
    let theirs = head.u64()?;
    if theirs != version {
        return Err(format!(
            "it is of version {theirs}, and this is version {version}"
        ));
    }
    let (length, sum) = (head.u64()?, head.u64()?);
    let body = &rest[24..];
    if body.len() as u64 != length {
        return Err(format!("it has {} bytes, not {length}", body.len()));
    }
    if checksum(body) != sum {
        return Err("it is damaged: its checksum is another".to_owned());
    }
    Ok(body)
}

/// The hash of 64 bits that tables use, of no seed: it finds damage, not forgery.
fn checksum(body: &[u8]) -> u64 {
    let hash = cutthrough_ir::rows::hash::Hash::with_seed(0);
    hash.bytes(hash.start(), body)
}

fn same_number(what: &str, saved: usize, here: usize) -> Result<(), String> {
    if saved == here {
        return Ok(());
    }
    Err(format!("it is of {saved} {what}, where here are {here}"))
}

fn same_name(saved: &[u8], here: &str) -> Result<(), String> {
    if saved == here.as_bytes() {
        return Ok(());
    }
    let saved = String::from_utf8_lossy(saved);
    Err(format!("where here is `{here}` it has `{saved}`"))
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Checkpoint, message)
}
