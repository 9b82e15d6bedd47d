import Basics

/// When to try again: qmail's quadratic curve, cut so that the last attempt falls exactly on the end of the lifetime.
///
/// After an attempt at age `a` the next one comes at age `(√a + step)²`: with step 20 at 400, 1600, 3600, 6400, … s.
package struct RetryCurve: Sendable {
  /// √seconds added per attempt.
  package var step: Int64

  /// Makes a curve.
  package init(step: Int64 = 20) { self.step = step }

  /// The next attempt after one made at `now`; `nil` when that one was the last.
  package func next(created: Timestamp, expires: Timestamp, now: Timestamp) -> Timestamp? {
    guard now < expires else { return nil }
    let age = max(0, now.milliseconds - created.milliseconds)
    let root = (Double(age) / 1000).squareRoot() + Double(step)
    let next = Timestamp(milliseconds: created.milliseconds + Int64((root * root * 1000).rounded()))
    return min(max(next, now + .seconds(1)), expires)
  }
}
