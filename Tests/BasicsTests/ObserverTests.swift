import Basics
import Synchronization
import Testing

@Suite struct ObserverTests {
  @Test func `nobody need listen, and the last listener counts`() {
    let observer = Observer<Int>()
    observer.tell(1)
    let heard = Mutex([Int]())
    observer.listen { _ in Issue.record("this one was replaced") }
    observer.listen { number in heard.withLock { $0.append(number) } }
    observer.tell(2)
    #expect(heard.withLock { $0 } == [2])
  }

  @Test func `a million notices need no more stack than one`() {
    let observer = Observer<Int>()
    let frames = Mutex<[UInt]>([])
    observer.listen { number in
      guard number == 1 || number == 1_000_000 else { return }
      withUnsafeTemporaryAllocation(byteCount: 16, alignment: 16) { here in
        frames.withLock { $0.append(UInt(bitPattern: here.baseAddress)) }
      }
    }
    for number in 1...1_000_000 { observer.tell(number) }
    let places = frames.withLock { $0 }
    #expect(places.count == 2)
    #expect(places.first == places.last)
  }
}
