//! What constants stand for, read once.

/// What the text of an operand stands for, kept from element to element: most are constants.
pub(crate) struct Known<T>(Option<(Vec<u8>, T)>);

impl<T> Default for Known<T> {
    fn default() -> Known<T> {
        Known(None)
    }
}

impl<T> Known<T> {
    /// What a text stands for, which is read where it is not that of the element before.
    pub(crate) fn get(
        &mut self,
        text: &[u8],
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<&mut T, String> {
        if self.0.as_ref().is_none_or(|(known, _)| known != text) {
            self.0 = Some((text.to_vec(), read(text)?));
        }
        let (_, value) = self.0.as_mut().expect("INVARIANT: just set");
        Ok(value)
    }
}
