//! Rows as bytes that outlive the OS process, and what becomes of rows when they are
//! declared another way.

use super::{Rows, key};
use crate::image::{ImageReader, put_u64, put_value};
use crate::memory::trusted;
use crate::program::RowsDecl;
use crate::types::FieldAt;

impl RowsDecl {
    /// For each column of this declaration, the column of the other whose values it goes on
    /// with: the one of its name and type. None where the rows cannot be taken over: the
    /// keys are others, or no column is the same.
    pub fn columns_of(&self, other: &RowsDecl) -> Option<Vec<Option<usize>>> {
        let same = |k: usize| {
            let column = &self.columns[k];
            let is_it = |of: &crate::SlotDecl| of.name == column.name && of.ty == column.ty;
            other.columns.iter().position(is_it)
        };
        let columns: Vec<Option<usize>> = (0..self.columns.len()).map(same).collect();
        let keys_fit = self.key == other.key && (0..self.key).all(|k| columns[k] == Some(k));
        (keys_fit && columns.iter().any(Option::is_some)).then_some(columns)
    }
}

impl Rows {
    /// Appends the rows to an image.
    pub fn save(&self, into: &mut Vec<u8>) {
        put_u64(into, self.len as u64);
        put_u64(into, self.oldest as u64);
        let mut words = [0; 3];
        for (column, ty) in self.decl.types().enumerate() {
            for row in 0..self.len {
                let words = &mut words[..ty.words()];
                self.get(column, row, words);
                put_value(into, trusted(FieldAt::alone(ty), words).get(0), ty);
            }
        }
    }

    /// Takes the rows from an image, in place of those that there are.
    ///
    /// # Errors
    /// When the image is not of rows of these columns, or they exceed the bound; there are
    /// no rows then.
    pub fn load(&mut self, from: &mut ImageReader<'_>) -> Result<(), String> {
        self.truncate(0);
        let loaded = self.try_load(from);
        if loaded.is_err() {
            self.len = self.len.min(self.grid.allocated());
            self.truncate(0);
        }
        loaded
    }

    fn try_load(&mut self, from: &mut ImageReader<'_>) -> Result<(), String> {
        let (len, oldest) = (from.count()?, from.u64()?);
        self.make_room(len)?;
        self.len = len;
        self.oldest = (oldest as usize).min(len.saturating_sub(1));
        for column in 0..self.decl.columns.len() {
            for row in 0..len {
                self.zero(column, row);
            }
        }
        let mut words = [0; 3];
        for column in 0..self.decl.columns.len() {
            let ty = self.ty(column);
            for row in 0..len {
                let words = &mut words[..ty.words()];
                from.value(ty, words)?;
                self.write(column, row, trusted(FieldAt::alone(ty), words));
            }
        }
        if self.bytes() > self.decl.bytes_max {
            return Err(self.too_many_bytes());
        }
        self.index_all()
    }

    /// Takes over the rows of a buffer that is declared another way, by the names and types
    /// of the columns; others begin as they are declared.
    ///
    /// # Errors
    /// When the keys differ, or the rows exceed the bound.
    pub fn take_over(&mut self, from: &Rows) -> Result<(), String> {
        let Some(columns) = self.decl.columns_of(&from.decl) else {
            return Err(format!("`{}` has other columns", self.decl.name));
        };
        self.truncate(0);
        self.make_room(from.len)?;
        self.len = from.len;
        self.oldest = from.oldest;
        let mut words = [0; 3];
        for (column, of) in columns.into_iter().enumerate() {
            let ty = self.ty(column);
            let words = &mut words[..ty.words()];
            for row in 0..self.len {
                match of {
                    Some(of) => {
                        self.zero(column, row);
                        from.get(of, row, words);
                        self.write(column, row, trusted(FieldAt::alone(ty), words));
                    }
                    None => self.begin(column, row),
                }
            }
        }
        self.index_all()
    }

    /// Finds the keys of all rows anew.
    fn index_all(&mut self) -> Result<(), String> {
        if self.decl.key == 0 {
            return Ok(());
        }
        self.index.truncate(0);
        let mut key = vec![0; self.starts[self.decl.key]];
        for row in 0..self.len {
            for (word, to) in key.iter_mut().enumerate() {
                *to = self.grid.get(word, row);
            }
            key::canonical(&self.key_types, &mut key);
            self.write_digests(row);
            match self.find_canonical(&key) {
                (Some(_), _) => return Err(format!("`{}`: two rows have the same key", self.decl.name)),
                (None, hash) => self.index.add(row, hash),
            }
        }
        Ok(())
    }
}
