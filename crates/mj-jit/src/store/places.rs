//! Lists whose entries have a number for as long as they are there.

use std::ops::{Index, IndexMut};

/// Things by number. Numbers of things that are gone are used again.
#[derive(Debug)]
pub(crate) struct Places<T> {
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { things: Vec::new(), free: Vec::new() }
    }
}

impl<T> Places<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.things.len() - self.free.len()
    }

    /// Adds a thing; its number.
    pub fn add(&mut self, thing: T) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.things[place as usize] = Some(thing);
                place
            }
            None => {
                self.things.push(Some(thing));
                self.things.len() as u32 - 1
            }
        }
    }

    /// Takes a thing out.
    ///
    /// # Panics
    ///
    /// If it is not there.
    pub fn remove(&mut self, place: u32) -> T {
        let thing = self.things[place as usize].take().expect("a thing is removed once");
        self.free.push(place);
        thing
    }

    /// All, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.things.iter().enumerate().filter_map(|(place, thing)| Some((place as u32, thing.as_ref()?)))
    }

    /// Takes all out.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.free.clear();
        std::mem::take(&mut self.things).into_iter().flatten()
    }

    /// Two different ones.
    ///
    /// # Panics
    ///
    /// If one is not there, or it is the same twice.
    pub fn two_mut(&mut self, first: u32, second: u32) -> [&mut T; 2] {
        let both = self.things.get_disjoint_mut([first as usize, second as usize]).expect("two places of a list");
        both.map(|thing| thing.as_mut().expect(GONE))
    }
}

impl<T> Index<u32> for Places<T> {
    type Output = T;

    #[inline]
    fn index(&self, place: u32) -> &T {
        self.things[place as usize].as_ref().expect(GONE)
    }
}

impl<T> IndexMut<u32> for Places<T> {
    #[inline]
    fn index_mut(&mut self, place: u32) -> &mut T {
        self.things[place as usize].as_mut().expect(GONE)
    }
}

const GONE: &str = "handles are checked before their places are looked up";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again() {
        let mut places = Places::default();
        assert_eq!(['a', 'b', 'c'].map(|thing| places.add(thing)), [0, 1, 2]);
        assert_eq!(places.remove(1), 'b');
        assert_eq!((places.len(), places.add('d'), places.add('e')), (2, 1, 3));
        *places.two_mut(0, 3)[1] = 'f';
        assert_eq!(places.iter().map(|(_, &thing)| thing).collect::<String>(), "adcf");
        assert_eq!((places[2], places.drain().count(), places.len()), ('c', 4, 0));
    }
}
