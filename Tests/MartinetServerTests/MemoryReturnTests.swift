import Testing

@testable import MartinetServer

@Suite("Memory given back") struct MemoryReturnTests {
  @Test("the system is asked when the process has grown, then now and then; never while it is small")
  func plan() {
    var plan = MemoryReturn()
    plan.floor = 100
    func looked(_ sizes: Int...) -> [Bool] { sizes.map { plan.isDue(resident: $0) } }
    #expect(looked(90, 300) == [false, true])
    plan.wasAsked(resident: 200)
    #expect(looked(240, 251) == [false, true])
    plan.wasAsked(resident: 250)
    let quiet = (0..<plan.patience).map { _ in plan.isDue(resident: 250) }
    #expect(quiet == Array(repeating: false, count: plan.patience - 1) + [true])
    #expect(looked(50, 101) == [false, true], "after it was small, growth counts anew")
  }

  @Test("the resident size is told") func size() throws {
    let before = try #require(MemoryReturn.residentSize())
    #expect(before > 1 << 20)
    let large = [UInt8](repeating: 1, count: 64 << 20)
    let after = try #require(MemoryReturn.residentSize())
    #expect(after > before + (32 << 20))
    #expect(large.last == 1)
  }
}
