// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunReplay
import TrustRunTestSupport

@Suite struct TopLevelMemberTests {
    private func replaced(_ text: String) -> String {
        let member = Array(",\"verdict\":1".utf8)
        return String(decoding: TopLevelMember.replacing("verdict", with: member, in: Array(text.utf8)), as: UTF8.self)
    }

    @Test func addsAMemberThatIsNotThere() {
        #expect(replaced(#"{"a":1}"#) == #"{"a":1,"verdict":1}"#)
    }

    @Test(arguments: [
        #"{"verdict":{"x":[1,{"y":"}"}]},"a":1}"#, #"{"a":1,"verdict":"a\"b,}"}"#, #"{"a":1,"verdict":null}"#,
        #"{"a":1,"verdict":[{},"]"]}"#,
    ])
    func replacesTheWholeMember(_ text: String) {
        #expect(replaced(text) == #"{"a":1,"verdict":1}"#)
    }

    @Test func leavesOthersAsTheyAre() {
        let text = #"{"b": {"verdict":2}, "c" : "\"verdict\":3","verdict" : 4, "d":["verdict",5] }"#
        #expect(replaced(text) == #"{"b": {"verdict":2}, "c" : "\"verdict\":3", "d":["verdict",5] ,"verdict":1}"#)
    }

    @Test func neverTrapsOnAnyBytes() {
        var generator = SeededGenerator(seed: 0x7e57)
        let alphabet = Array(#"{}[]",:\verdict1"#.utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &generator)
            let text = (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            _ = TopLevelMember.replacing("verdict", with: [], in: text)
        }
    }
}
